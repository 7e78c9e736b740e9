{{/* What a schema cannot check: values that do not fit together. */}}
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
{{- fail (printf "connections.%s.caFile: %s is not one of caBundles; the bundle NAME is at /etc/keyhole/ca/NAME/ca.crt" $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $shown := .Values.caller.clientCertificate -}}
{{- /* These end up in ConfigMaps and other objects that everybody may read. */ -}}
{{- $public := dict "certificates.caBundle" $certificates.caBundle "caller.clientCertificate.ca" $shown.ca -}}
{{- range $name, $bundle := .Values.caBundles -}}
{{- $_ := set $public (printf "caBundles.%s.pem" $name) ($bundle.pem | default "") -}}
{{- end -}}
{{- range $name, $text := $public -}}
{{- if contains "PRIVATE KEY-----" $text -}}
{{- fail (printf "%s: holds a private key, which everybody could read there; give the certificates alone" $name) -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.caller.mode "client-certificate" -}}
{{- if not (and $shown.ca $shown.names) -}}
{{- fail "caller.clientCertificate: the mode client-certificate needs `ca` and `names`" -}}
{{- end -}}
{{- else if or $shown.ca $shown.names -}}
{{- fail (printf "caller.clientCertificate: has no meaning with caller.mode=%s" .Values.caller.mode) -}}
{{- end -}}
{{- if eq .Values.caller.mode "token" -}}
{{- if not .Values.caller.token.existingSecret -}}
{{- fail "caller.token.existingSecret: the mode token needs a Secret that holds the token" -}}
{{- end -}}
{{- else if .Values.caller.token.existingSecret -}}
{{- fail (printf "caller.token.existingSecret: has no meaning with caller.mode=%s" .Values.caller.mode) -}}
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
{{- $byCertManager := $certificates.certManager -}}
{{- if and $byCertManager.issuerRef (ne $certificates.mode "certManager") -}}
{{- fail (printf "certificates.certManager.issuerRef: has no meaning with certificates.mode=%s" $certificates.mode) -}}
{{- end -}}
{{- if eq $certificates.mode "selfManaged" -}}
{{- include "keyhole.checkLifetimes" (list "certificates.lifetime" $certificates.lifetime "certificates.caLifetime" $certificates.caLifetime 10 1) -}}
{{- else if and (eq $certificates.mode "certManager") (not $byCertManager.issuerRef) -}}
{{- if $certificates.caBundle -}}
{{- fail "certificates.caBundle: has no meaning with certManager and its own issuer: cert-manager's injector hands the CA on" -}}
{{- end -}}
{{- /* The last certificate of the old CA is replaced after two thirds of its life, before that CA expires. */ -}}
{{- include "keyhole.checkLifetimes" (list "certificates.certManager.duration" $byCertManager.duration "certificates.certManager.caDuration" $byCertManager.caDuration 3600 2) -}}
{{- end -}}
{{- with .Values.webhook.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "webhook.autoscaling.minReplicas: %v is more than maxReplicas, %v" .minReplicas .maxReplicas) -}}
{{- end -}}
{{- if and .enabled (not (dig "requests" "cpu" "" ($.Values.webhook.resources | default dict))) -}}
{{- fail "webhook.autoscaling: needs webhook.resources.requests.cpu, because it aims at a share of that" -}}
{{- end -}}
{{- end -}}
{{- if and (ne .Values.audit.output "stdout") (not .Values.audit.existingSecret) -}}
{{- fail (printf "audit.output: %s has no meaning without audit.existingSecret, under whose key the trail is chained" .Values.audit.output) -}}
{{- end -}}
{{- if lt (float64 .Values.webhook.graceSeconds) (float64 .Values.admission.timeoutSeconds) -}}
{{- fail (printf "webhook.graceSeconds: an admission that is in flight may take admission.timeoutSeconds, %v s" .Values.admission.timeoutSeconds) -}}
{{- end -}}
{{- include "keyhole.checkEnforcer" . -}}
{{- if has .Values.test.namespace (list "kube-system" "kube-public" "kube-node-lease") -}}
{{- fail (printf "test.namespace: the API server asks nobody about %s" .Values.test.namespace) -}}
{{- end -}}
{{- end -}}

{{/* Lifetimes that no certificate can have: include "keyhole.checkLifetimes" (list NAME LIFETIME CA-NAME CA-LIFETIME
LEAST-SECONDS TIMES), where the CA is to live so many times as long. */}}
{{- define "keyhole.checkLifetimes" -}}
{{- $name := index . 0 -}}
{{- $seconds := include "keyhole.seconds" (index . 1) | atoi -}}
{{- $caName := index . 2 -}}
{{- $caSeconds := include "keyhole.seconds" (index . 3) | atoi -}}
{{- if lt $seconds (index . 4) -}}
{{- fail (printf "%s: %s is shorter than %d s" $name (index . 1) (index . 4)) -}}
{{- end -}}
{{- if gt $caSeconds 3153600000 -}}
{{- fail (printf "%s: %s is longer than 876000h, a hundred years" $caName (index . 3)) -}}
{{- end -}}
{{- if lt $caSeconds (mul $seconds (index . 5) | int) -}}
{{- fail (printf "%s: %s is too short for certificates that live %s (%s)%s" $caName (index . 3) (index . 1) $name (ternary "" ": twice as long is the least" (eq (index . 5) 1))) -}}
{{- end -}}
{{- end -}}

{{/* A duration, such as 1h30m, in seconds. */}}
{{- define "keyhole.seconds" -}}
{{- $hours := regexFind "[0-9]+h" . | trimSuffix "h" | default "0" | atoi -}}
{{- $minutes := regexFind "[0-9]+m" . | trimSuffix "m" | default "0" | atoi -}}
{{- $seconds := regexFind "[0-9]+s" . | trimSuffix "s" | default "0" | atoi -}}
{{ add (mul 3600 $hours) (mul 60 $minutes) $seconds }}
{{- end -}}
