{{/* The name that every object's name begins with. */}}
{{- define "keyhole.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "keyhole.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of an object of one component: include "keyhole.labels" (dict "root" $ "component" "webhook"), and with
"more" a map of further ones, which count before those of all objects. */}}
{{- define "keyhole.labels" -}}
{{ include "keyhole.selectorLabels" . }}
{{- /* A version may hold a "+", which no label may. */}}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with merge (dict) (.more | default dict) .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "keyhole.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The Secret that the webhook serves from, whoever fills it. */}}
{{- define "keyhole.servingSecret" -}}
{{- if eq .Values.certificates.mode "existingSecret" -}}
{{ .Values.certificates.existingSecret }}
{{- else -}}
{{ include "keyhole.fullname" . }}-serving-certificate
{{- end -}}
{{- end -}}

{{/* The name by which the API server reaches the webhook, and which stands in its certificate. */}}
{{- define "keyhole.servingHost" -}}
{{ include "keyhole.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{- define "keyhole.apiService" -}}
{{- $admission := .Files.Get "files/admission.json" | fromJson -}}
{{ $admission.apiService.metadata.name }}
{{- end -}}

{{/* Whether cert-manager knows the CA: an issuer of yours (ACME, say) may tell none. */}}
{{- define "keyhole.caIsInjected" -}}
{{- if and (eq .Values.certificates.mode "certManager") (not .Values.certificates.caBundle) -}}true{{- end -}}
{{- end -}}

{{/* Annotations, and the caBundle, of what makes the API server trust the serving certificate. */}}
{{- define "keyhole.injection" -}}
{{- if include "keyhole.caIsInjected" . }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "keyhole.fullname" . }}
{{- end }}
{{- end -}}

{{/* How the API server reaches the webhook, as a `clientConfig`. */}}
{{- define "keyhole.clientConfig" -}}
{{- if eq .Values.caller.mode "aggregation" -}}
{{- $admission := .Files.Get "files/admission.json" | fromJson -}}
{{ toYaml $admission.aggregatedClientConfig }}
{{- else -}}
service:
  namespace: {{ .Release.Namespace }}
  name: {{ include "keyhole.fullname" . }}
  port: {{ .Values.service.port }}
  path: /mutate
{{- with .Values.certificates.caBundle }}
caBundle: {{ b64enc . }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "keyhole.podSecurityContext" -}}
runAsNonRoot: true
{{- if .Values.fixedUser }}
runAsUser: 65532
runAsGroup: 65532
# Secrets that are mounted are readable by the group.
fsGroup: 65532
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "keyhole.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities:
  drop: [ALL]
{{- end -}}

{{/* How a pod is placed: include "keyhole.placement" .Values.webhook */}}
{{- define "keyhole.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Ports of the connections' addresses, and those that are named besides, as a list in YAML. */}}
{{- define "keyhole.vaultPorts" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.vaultPorts -}}
{{- $ports = append $ports (int .) -}}
{{- end -}}
{{- range .Values.connections -}}
{{- $url := urlParse .address -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $ports = append $ports ($port | default (ternary "443" "80" (eq $url.scheme "https")) | int) -}}
{{- end -}}
{{ $ports | uniq | sortAlpha | toJson }}
{{- end -}}
