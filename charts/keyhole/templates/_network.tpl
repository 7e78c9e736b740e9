{{/* Who may read the metrics. Probes come from the pod's own node, which is always allowed. */}}
{{- define "keyhole.metricsIngress" -}}
- ports:
    - port: health
  {{- with .Values.networkPolicy.metricsFrom }}
  from:
    {{- range . }}
    - namespaceSelector:
        matchLabels:
          {{- toYaml . | nindent 10 }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* What every pod needs from the cluster. */}}
{{- define "keyhole.clusterEgress" -}}
# DNS.
- ports:
    {{- range .Values.networkPolicy.dnsPorts }}
    - port: {{ . }}
      protocol: UDP
    - port: {{ . }}
      protocol: TCP
    {{- end }}
# The API server.
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - port: {{ . }}
    {{- end }}
  {{- with .Values.networkPolicy.apiServerTo }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* Vault, at the ports of the connections. */}}
{{- define "keyhole.vaultEgress" -}}
- ports:
    {{- range include "keyhole.vaultPorts" . | fromJsonArray }}
    - port: {{ . }}
    {{- end }}
  {{- with .Values.networkPolicy.vaultTo }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  {{- end }}
{{- end -}}
