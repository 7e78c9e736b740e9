{{/* The arguments of `keyhole controller`. */}}
{{- define "keyhole.controllerArguments" -}}
{{- $name := include "keyhole.fullname" . -}}
{{- $namespace := .Release.Namespace -}}
- controller
- --record-key={{ $namespace }}/{{ $name }}-record-key
- --lease={{ $namespace }}/{{ $name }}-controller
- --settle-seconds={{ .Values.controller.settleSeconds }}
{{- /* Whatever was in flight when a webhook stopped trusting its keys has ended a minute later. */}}
- --record-key-settle-seconds={{ add .Values.webhook.recordKeyBelievedSeconds 60 }}
{{- if eq .Values.certificates.mode "selfManaged" }}
- --serving-certificate={{ $namespace }}/{{ include "keyhole.servingSecret" . }}
- --certificate-authority={{ $namespace }}/{{ $name }}-ca
- --serving-host={{ include "keyhole.servingHost" . }}
- --certificate-lifetime={{ .Values.certificates.lifetime }}
- --ca-lifetime={{ .Values.certificates.caLifetime }}
{{- if eq .Values.caller.mode "aggregation" }}
- --api-service={{ include "keyhole.apiService" . }}
{{- else }}
- --webhook-configuration={{ $name }}
{{- end }}
{{- end }}
{{- with .Values.controller.following }}
{{- if .enabled }}
- --connections=/etc/keyhole/connections/connections.yaml
{{- if not .restarts }}
- --no-restarts
{{- end }}
- --vault-requests-per-second={{ .vaultRequestsPerSecond }}
- --patches-per-second={{ .patchesPerSecond }}
{{- end }}
{{- end }}
{{- if .Values.kinds }}
- --kinds=/etc/keyhole/kinds/kinds.yaml
{{- end }}
{{- if .Values.variables.enabled }}
- --variables
{{- end }}
- --health-listen={{ .Values.listenHost }}:8080
- --log-level={{ .Values.controller.logLevel }}
- --log-format={{ .Values.controller.logFormat }}
{{- end -}}
