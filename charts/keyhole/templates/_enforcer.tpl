{{/* The arguments of `keyhole enforce`. */}}
{{- define "keyhole.enforcerArguments" -}}
{{- $settings := .Values.enforcer -}}
- enforce
- --name={{ include "keyhole.fullname" . }}
- --own-namespace={{ .Release.Namespace }}
- --connections=/etc/keyhole/connections/connections.yaml
{{- if .Values.kinds }}
- --kinds=/etc/keyhole/kinds/kinds.yaml
{{- end }}
{{- with $settings.cluster }}
- {{ printf "--cluster=%s" . | quote }}
{{- end }}
{{- if $settings.standards }}
- --standards=/etc/keyhole/enforcer/standards.yaml
{{- end }}
{{- if $settings.auditPolicy }}
- --audit-policy=/etc/keyhole/enforcer/audit-policy.yaml
{{- end }}
{{- with $settings.trail }}
{{- if .existingClaim }}
- {{ printf "--audit-log=/var/lib/keyhole/trail/%s" .file | quote }}
- --audit-key=/etc/keyhole/audit/{{ $.Values.audit.key }}
{{- end }}
{{- end }}
{{- with $settings.manifests }}
{{- if .existingClaim }}
- {{ printf "--manifests=/var/lib/keyhole/manifests/%s" .folder | quote }}
- {{ printf "--git=/var/lib/keyhole/manifests/%s" .folder | quote }}
{{- end }}
{{- end }}
{{- with $settings.forge }}
{{- if .name }}
- --forge={{ .name }}
- {{ printf "--repository=%s" .repository | quote }}
- {{ printf "--branch=%s" .branch | quote }}
- --forge-token=FORGE_TOKEN
{{- with .address }}
- {{ printf "--forge-address=%s" . | quote }}
{{- end }}
{{- end }}
{{- end }}
- --fail-on={{ $settings.failOn }}
{{- if $settings.allowUnchecked }}
- --allow-unchecked
{{- end }}
{{- /* It ends a minute before its pod would be ended, so that its reports say what was not checked. */}}
- --timeout={{ sub $settings.activeDeadlineSeconds 60 }}s
- --output={{ $settings.log }}
{{- if $settings.reports.existingClaim }}
{{- $folder := printf "/var/lib/keyhole/reports/%s" $settings.reports.folder | trimSuffix "/" }}
- {{ printf "--since=%s/compliance.json" $folder | quote }}
- {{ printf "--output=json=%s/compliance.json" $folder | quote }}
- {{ printf "--output=html=%s/compliance.html" $folder | quote }}
{{- end }}
{{- if $settings.openReports }}
- --output=openreports
{{- end }}
{{- end -}}

{{/* What the Enforcer's pod mounts, beside what its arguments share with the webhook and the controller. */}}
{{- define "keyhole.enforcerMounts" -}}
{{- $settings := .Values.enforcer -}}
- name: tmp
  mountPath: /tmp
- name: token
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{ include "keyhole.connectionMounts" . }}
{{- if .Values.kinds }}
{{ include "keyhole.kindsMount" . }}
{{- end }}
{{- if or $settings.standards $settings.auditPolicy }}
- name: standards
  mountPath: /etc/keyhole/enforcer
  readOnly: true
{{- end }}
{{- if $settings.trail.existingClaim }}
- name: trail
  mountPath: /var/lib/keyhole/trail
  readOnly: true
- name: audit-key
  mountPath: /etc/keyhole/audit
  readOnly: true
{{- end }}
{{- if $settings.manifests.existingClaim }}
- name: manifests
  mountPath: /var/lib/keyhole/manifests
  readOnly: true
{{- end }}
{{- if $settings.reports.existingClaim }}
- name: reports
  mountPath: /var/lib/keyhole/reports
{{- end }}
{{- end -}}

{{- define "keyhole.enforcerVolumes" -}}
{{- $settings := .Values.enforcer -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{ include "keyhole.ownToken" . }}
{{ include "keyhole.connectionVolumes" . }}
{{- if .Values.kinds }}
{{ include "keyhole.kindsVolume" . }}
{{- end }}
{{- if or $settings.standards $settings.auditPolicy }}
- name: standards
  configMap:
    name: {{ include "keyhole.fullname" . }}-enforcer
{{- end }}
{{- with $settings.trail.existingClaim }}
- name: trail
  persistentVolumeClaim:
    claimName: {{ . }}
    readOnly: true
- name: audit-key
  secret:
    secretName: {{ $.Values.audit.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- with $settings.manifests.existingClaim }}
- name: manifests
  persistentVolumeClaim:
    claimName: {{ . }}
    readOnly: true
{{- end }}
{{- with $settings.reports.existingClaim }}
- name: reports
  persistentVolumeClaim:
    claimName: {{ . }}
{{- end }}
{{- end -}}

{{/* A token of the pod's own account, for the API server, that lives ten minutes; kubelet renews it meanwhile. */}}
{{- define "keyhole.ownToken" -}}
- name: token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 600
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                fieldPath: metadata.namespace
{{- end -}}

{{/* Values of the Enforcer that do not fit together. */}}
{{- define "keyhole.checkEnforcer" -}}
{{- $settings := .Values.enforcer -}}
{{- if and $settings.trail.existingClaim (not .Values.audit.existingSecret) -}}
{{- fail "enforcer.trail.existingClaim: has no meaning without audit.existingSecret, with whose key the trail is verified" -}}
{{- end -}}
{{- $forge := $settings.forge -}}
{{- if and $forge.name (not (and $forge.repository $forge.existingSecret)) -}}
{{- fail (printf "enforcer.forge: %s needs `repository` and `existingSecret`, which has the token" $forge.name) -}}
{{- end -}}
{{- if and (not $forge.name) (or $forge.repository $forge.existingSecret) -}}
{{- fail "enforcer.forge.name: is needed with `repository` or `existingSecret`: github or gitlab" -}}
{{- end -}}
{{- end -}}
