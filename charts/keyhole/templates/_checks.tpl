{{/* What no schema can say: values that do not fit each other. */}}
{{- define "keyhole.checks" -}}
{{- $certificates := .Values.certificates -}}
{{- if not (regexMatch "^[a-z]" (include "keyhole.fullname" .)) -}}
{{- fail (printf "the name %s: that of a Service begins with a letter; --set fullnameOverride=keyhole gives another" (include "keyhole.fullname" .)) -}}
{{- end -}}
{{- if not .Values.connections -}}
{{- fail "connections: at least one Vault connection is needed, such as --set connections.default.address=https://vault.example:8200 --set connections.default.auth.method=jwt --set connections.default.auth.role=keyhole-{namespace}" -}}
{{- end -}}
{{- range $name, $connection := .Values.connections -}}
{{- with $connection.caFile -}}
{{- $bundle := regexFind "^/etc/keyhole/ca/[^/]+/ca\\.crt$" . | trimPrefix "/etc/keyhole/ca/" | trimSuffix "/ca.crt" -}}
{{- if not (and $bundle (hasKey $.Values.caBundles $bundle)) -}}
{{- fail (printf "connections.%s.caFile: %s is no bundle of caBundles; NAME of it lies at /etc/keyhole/ca/NAME/ca.crt" $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.caller.mode "client-certificate" -}}
{{- if not (and .Values.caller.clientCertificate.ca .Values.caller.clientCertificate.names) -}}
{{- fail "caller.clientCertificate: the mode client-certificate needs `ca` and `names`" -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.caller.mode "token") (not .Values.caller.token.existingSecret) -}}
{{- fail "caller.token.existingSecret: the mode token needs a Secret that holds the token" -}}
{{- end -}}
{{- if eq $certificates.mode "existingSecret" -}}
{{- if not (and $certificates.existingSecret $certificates.caBundle) -}}
{{- fail "certificates: the mode existingSecret needs `existingSecret` and `caBundle`, the CA of its certificate" -}}
{{- end -}}
{{- else if $certificates.existingSecret -}}
{{- fail (printf "certificates.existingSecret: has no meaning with certificates.mode=%s" $certificates.mode) -}}
{{- end -}}
{{- if and (eq $certificates.mode "selfManaged") (eq .Values.caller.mode "aggregation") $certificates.caBundle -}}
{{- fail "certificates.caBundle: has no meaning with selfManaged and aggregation: the controller keeps the APIService's itself" -}}
{{- end -}}
{{- if lt (float64 .Values.webhook.graceSeconds) (float64 .Values.admission.timeoutSeconds) -}}
{{- fail (printf "webhook.graceSeconds: an admission that is in flight may take admission.timeoutSeconds, %v s" .Values.admission.timeoutSeconds) -}}
{{- end -}}
{{- if has .Values.test.namespace (list "kube-system" "kube-public" "kube-node-lease") -}}
{{- fail (printf "test.namespace: the API server asks nobody about %s" .Values.test.namespace) -}}
{{- end -}}
{{- end -}}
