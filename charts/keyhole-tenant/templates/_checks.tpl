{{/* What a schema cannot check: values that do not fit together. */}}
{{- define "keyhole-tenant.checks" -}}
{{- if not .Values.namespaces -}}
{{- fail "namespaces: at least one is needed, such as --set namespaces={shop}" -}}
{{- end -}}
{{- $accounts := list .Values.webhookServiceAccount .Values.controllerServiceAccount -}}
{{- if .Values.enforcer }}{{ $accounts = append $accounts .Values.enforcerServiceAccount }}{{ end -}}
{{- range $accounts -}}
{{- if has .namespace $.Values.namespaces -}}
{{- fail (printf "namespaces: %s holds Keyhole's own account %s and cannot be its tenant" .namespace .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
