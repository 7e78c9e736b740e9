{{/* The arguments of `keyhole serve`. */}}
{{- define "keyhole.webhookArguments" -}}
{{- $name := include "keyhole.fullname" . -}}
{{- $settings := .Values.webhook -}}
- serve
- --connections=/etc/keyhole/connections/connections.yaml
- --record-key={{ .Release.Namespace }}/{{ $name }}-record-key
- --record-key-believed-seconds={{ .Values.webhook.recordKeyBelievedSeconds }}
- --tls-secret={{ .Release.Namespace }}/{{ include "keyhole.servingSecret" . }}
- --caller-auth={{ .Values.caller.mode }}
{{- if eq .Values.caller.mode "client-certificate" }}
- --caller-ca=/etc/keyhole/caller/ca.crt
{{- range .Values.caller.clientCertificate.names }}
- {{ printf "--caller-name=%s" . | quote }}
{{- end }}
{{- else if eq .Values.caller.mode "token" }}
{{- range .Values.caller.token.keys }}
- --caller-token-file=/etc/keyhole/caller/{{ . }}
{{- end }}
{{- end }}
{{- if .Values.kinds }}
- --kinds=/etc/keyhole/kinds/kinds.yaml
{{- end }}
{{- if .Values.variables.enabled }}
- --variables
{{- end }}
{{- range .Values.admission.appliers.users }}
- {{ printf "--applier=%s" . | quote }}
{{- end }}
{{- range .Values.admission.appliers.serviceAccounts }}
- {{ printf "--applier=system:serviceaccount:%s" (. | replace "/" ":") | quote }}
{{- end }}
{{- range .Values.admission.appliers.groups }}
- {{ printf "--applier-group=%s" . | quote }}
{{- end }}
- --listen={{ .Values.listenHost }}:8443
- --health-listen={{ .Values.listenHost }}:8080
- --workers={{ $settings.workers }}
- --max-running={{ $settings.maxRunning }}
- --max-waiting={{ $settings.maxWaiting }}
- --drain-seconds={{ $settings.drainSeconds }}
- --grace-seconds={{ $settings.graceSeconds }}
- --log-level={{ $settings.logLevel }}
- --log-format={{ $settings.logFormat }}
{{- if .Values.audit.existingSecret }}
- --audit-key=/etc/keyhole/audit/{{ .Values.audit.key }}
{{- if eq .Values.audit.output "file" }}
- --audit-log=/var/log/keyhole/audit.log
{{- end }}
{{- end }}
{{- end -}}

{{- define "keyhole.webhookMounts" -}}
- name: tmp
  mountPath: /tmp
{{ include "keyhole.connectionMounts" . }}
{{- if .Values.kinds }}
{{ include "keyhole.kindsMount" . }}
{{- end }}
{{- if has .Values.caller.mode (list "client-certificate" "token") }}
- name: caller
  mountPath: /etc/keyhole/caller
  readOnly: true
{{- end }}
{{- if .Values.audit.existingSecret }}
- name: audit-key
  mountPath: /etc/keyhole/audit
  readOnly: true
{{- if eq .Values.audit.output "file" }}
- name: audit-log
  mountPath: /var/log/keyhole
{{- end }}
{{- end }}
{{- end -}}

{{- define "keyhole.webhookVolumes" -}}
{{- $name := include "keyhole.fullname" . -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{ include "keyhole.connectionVolumes" . }}
{{- if .Values.kinds }}
{{ include "keyhole.kindsVolume" . }}
{{- end }}
{{- if eq .Values.caller.mode "client-certificate" }}
- name: caller
  configMap:
    name: {{ $name }}-caller
{{- else if eq .Values.caller.mode "token" }}
- name: caller
  secret:
    secretName: {{ .Values.caller.token.existingSecret }}
    # For owner and group. If others could read it, the server would refuse it.
    defaultMode: 0440
{{- end }}
{{- if .Values.audit.existingSecret }}
- name: audit-key
  secret:
    secretName: {{ .Values.audit.existingSecret }}
    defaultMode: 0440
{{- if eq .Values.audit.output "file" }}
- name: audit-log
  emptyDir:
    sizeLimit: {{ .Values.audit.sizeLimit }}
{{- end }}
{{- end }}
{{- end -}}
