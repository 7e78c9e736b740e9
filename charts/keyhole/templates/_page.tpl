{{/* Whether the page knows people by tokens. Otherwise it is for `kubectl port-forward` alone. */}}
{{- define "keyhole.pageKnowsTokens" -}}
{{- if or .Values.page.oidc.issuer .Values.page.kubernetesTokens -}}true{{- end -}}
{{- end -}}

{{/* The arguments of `keyhole page`. */}}
{{- define "keyhole.pageArguments" -}}
{{- $settings := .Values.page -}}
- page
{{- if $settings.trail.existingClaim }}
- {{ printf "--trail=/var/lib/keyhole/trail/%s" $settings.trail.file | quote }}
{{- end }}
{{- if $settings.trail.logs }}
- --logs
- --keyhole-namespace={{ .Release.Namespace }}
{{- end }}
{{- range $name, $folder := $settings.git.repositories }}
- {{ printf "--git=%s=/var/lib/keyhole/git/%s" $name $folder | quote }}
{{- end }}
- --index=/var/lib/keyhole/index/changes.sqlite
{{- if $settings.compliance }}
- {{ printf "--compliance=%s/compliance.json" (printf "/var/lib/keyhole/reports/%s" .Values.enforcer.reports.folder | trimSuffix "/") | quote }}
{{- end }}
- --every={{ $settings.everySeconds }}
{{- if include "keyhole.pageKnowsTokens" . }}
- --listen={{ .Values.listenHost }}:8443
{{- else }}
- --listen=127.0.0.1:8090
{{- end }}
- --health-listen={{ .Values.listenHost }}:8080
{{- if $settings.tls.existingSecret }}
- --tls-cert=/etc/keyhole/tls/tls.crt
- --tls-key=/etc/keyhole/tls/tls.key
{{- else if $settings.behindProxy }}
- --behind-proxy
{{- end }}
{{- with $settings.oidc }}
{{- if .issuer }}
- {{ printf "--oidc-issuer=%s" .issuer | quote }}
- {{ printf "--oidc-client-id=%s" .clientId | quote }}
{{- with .jwksUrl }}
- {{ printf "--oidc-jwks=%s" . | quote }}
{{- end }}
{{- with .caBundle }}
- --oidc-ca-file=/etc/keyhole/ca/{{ . }}/ca.crt
{{- end }}
- {{ printf "--oidc-username-claim=%s" .usernameClaim | quote }}
{{- with .usernamePrefix }}
- {{ printf "--oidc-username-prefix=%s" . | quote }}
{{- end }}
{{- with .groupsClaim }}
- {{ printf "--oidc-groups-claim=%s" . | quote }}
{{- end }}
{{- with .groupsPrefix }}
- {{ printf "--oidc-groups-prefix=%s" . | quote }}
{{- end }}
{{- range $claim, $value := .requiredClaims }}
- {{ printf "--oidc-required-claim=%s=%s" $claim $value | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- if $settings.kubernetesTokens }}
- --kubernetes-tokens
- {{ printf "--kubernetes-audience=%s" $settings.kubernetesAudience | quote }}
{{- end }}
- --log-level={{ $settings.logLevel }}
- --log-format=json
{{- end -}}

{{- define "keyhole.pageMounts" -}}
{{- $settings := .Values.page -}}
- name: tmp
  mountPath: /tmp
- name: token
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
- name: index
  mountPath: /var/lib/keyhole/index
{{- if $settings.trail.existingClaim }}
- name: trail
  mountPath: /var/lib/keyhole/trail
  readOnly: true
{{- end }}
{{- if $settings.git.repositories }}
- name: git
  mountPath: /var/lib/keyhole/git
  readOnly: true
{{- end }}
{{- if $settings.compliance }}
- name: reports
  mountPath: /var/lib/keyhole/reports
  readOnly: true
{{- end }}
{{- if $settings.tls.existingSecret }}
- name: tls
  mountPath: /etc/keyhole/tls
  readOnly: true
{{- end }}
{{- if $settings.oidc.caBundle }}
- name: ca-bundles
  mountPath: /etc/keyhole/ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "keyhole.pageVolumes" -}}
{{- $settings := .Values.page -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{ include "keyhole.ownToken" . }}
- name: index
  {{- if $settings.index.existingClaim }}
  persistentVolumeClaim:
    claimName: {{ $settings.index.existingClaim }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ $settings.index.sizeLimit }}
  {{- end }}
{{- with $settings.trail.existingClaim }}
- name: trail
  persistentVolumeClaim:
    claimName: {{ . }}
    readOnly: true
{{- end }}
{{- if $settings.git.repositories }}
- name: git
  {{- if $settings.git.existingClaim }}
  persistentVolumeClaim:
    claimName: {{ $settings.git.existingClaim }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ $settings.git.sizeLimit }}
  {{- end }}
{{- end }}
{{- if $settings.compliance }}
- name: reports
  persistentVolumeClaim:
    claimName: {{ .Values.enforcer.reports.existingClaim }}
    readOnly: true
{{- end }}
{{- with $settings.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with $settings.oidc.caBundle }}
- name: ca-bundles
  configMap:
    name: {{ include "keyhole.fullname" $ }}-ca-bundles
    items:
      - key: {{ . }}
        path: {{ . }}/ca.crt
{{- end }}
{{- end -}}

{{/* Values of the page that do not fit together. */}}
{{- define "keyhole.checkPage" -}}
{{- $settings := .Values.page -}}
{{- if not (or $settings.trail.logs $settings.trail.existingClaim) -}}
{{- fail "page.trail: there is nothing to show without `logs` or `existingClaim`" -}}
{{- end -}}
{{- if and $settings.trail.logs (not $settings.trail.existingClaim) (or (not .Values.audit.existingSecret) (ne .Values.audit.output "stdout")) -}}
{{- fail "page.trail.logs: the logs have a trail with audit.existingSecret and audit.output=stdout only; page.trail.existingClaim is for one that is collected" -}}
{{- end -}}
{{- if and $settings.compliance (not .Values.enforcer.reports.existingClaim) -}}
{{- fail "page.compliance: needs enforcer.reports.existingClaim, where the report is" -}}
{{- end -}}
{{- if and $settings.oidc.issuer (not $settings.oidc.clientId) -}}
{{- fail "page.oidc.clientId: is needed with page.oidc.issuer: for whom the tokens are" -}}
{{- end -}}
{{- if and $settings.oidc.clientId (not $settings.oidc.issuer) -}}
{{- fail "page.oidc.issuer: is needed with page.oidc.clientId" -}}
{{- end -}}
{{- with $settings.oidc.caBundle -}}
{{- if not (get $.Values.caBundles . | default dict).pem -}}
{{- fail (printf "page.oidc.caBundle: %s is not one of caBundles with `pem`" .) -}}
{{- end -}}
{{- end -}}
{{- if include "keyhole.pageKnowsTokens" . -}}
{{- if not (or $settings.tls.existingSecret $settings.behindProxy) -}}
{{- fail "page.tls.existingSecret: tokens would pass in plain text without it; page.behindProxy is for a mesh, or for a proxy in the pod" -}}
{{- end -}}
{{- if and $settings.tls.existingSecret $settings.behindProxy -}}
{{- fail "page.behindProxy: has no meaning with page.tls.existingSecret" -}}
{{- end -}}
{{- else if or $settings.tls.existingSecret $settings.behindProxy -}}
{{- fail "page: without oidc.issuer and kubernetesTokens it is for `kubectl port-forward` alone, and takes neither tls.existingSecret nor behindProxy" -}}
{{- end -}}
{{- end -}}
