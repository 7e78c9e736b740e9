{{/* What every pod that asks Vault mounts: the connections file, and the CA bundles that it names. */}}
{{- define "keyhole.connectionMounts" -}}
- name: connections
  mountPath: /etc/keyhole/connections
  readOnly: true
{{- if .Values.caBundles }}
- name: ca-bundles
  mountPath: /etc/keyhole/ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "keyhole.connectionVolumes" -}}
{{- $name := include "keyhole.fullname" . -}}
- name: connections
  configMap:
    name: {{ $name }}-connections
{{- with .Values.caBundles }}
- name: ca-bundles
  projected:
    sources:
      {{- range $bundle, $source := . }}
      - {{ ternary "secret" "configMap" (hasKey $source "secret") }}:
          name: {{ coalesce $source.secret $source.configMap (printf "%s-ca-bundles" $name) }}
          items:
            - key: {{ ternary $bundle ($source.key | default "ca.crt") (hasKey $source "pem") | quote }}
              path: {{ $bundle }}/ca.crt
      {{- end }}
{{- end }}
{{- end -}}
