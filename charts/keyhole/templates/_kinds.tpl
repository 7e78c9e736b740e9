{{/* The rules of the listed kinds, as JSON: include "keyhole.kindRules" (dict "root" $ "of" "all"). "keys" are those
whose fields are keys of `data`, "fields" the others. */}}
{{- define "keyhole.kindRules" -}}
{{- $known := (.root.Files.Get "files/admission.json" | fromJson).kindRules -}}
{{- $of := .of -}}
{{- $rules := list -}}
{{- range .root.Values.kinds -}}
{{- if and .group (ne $of "keys") -}}
{{- $rule := toJson $known.custom | replace "KIND-GROUP" .group | replace "KIND-RESOURCE" .resource | fromJson -}}
{{- $rules = append $rules $rule -}}
{{- else if and (not .group) (ne $of "fields") -}}
{{- $rules = append $rules $known.core -}}
{{- end -}}
{{- end -}}
{{ dict "rules" $rules | toJson }}
{{- end -}}

{{/* A ValidatingAdmissionPolicy's spec with the rules of the listed kinds added: include "keyhole.withKinds" (dict "root"
$ "of" "keys" "spec" $spec). */}}
{{- define "keyhole.withKinds" -}}
{{- $rules := (include "keyhole.kindRules" . | fromJson).rules -}}
{{- $constraints := .spec.matchConstraints -}}
{{- $_ := set $constraints "resourceRules" (concat $constraints.resourceRules $rules) -}}
{{ toYaml .spec }}
{{- end -}}

{{/* Whether a kind is listed whose fields are no keys. */}}
{{- define "keyhole.hasFields" -}}
{{- range .Values.kinds -}}{{- if .group -}}true{{- end -}}{{- end -}}
{{- end -}}

{{/* The name of the policy that keeps the reconciler to the fields of a kind: include "keyhole.reconcilerName" (dict
"root" $ "kind" $kind). */}}
{{- define "keyhole.reconcilerName" -}}
{{- $group := .kind.group | default "" -}}
{{ include "keyhole.fullname" .root }}-reconciler-{{ .kind.resource | default "configmaps" }}{{ ternary "." "" (ne $group "") }}{{ $group }}
{{- end -}}

{{/* The spec of that policy: include "keyhole.reconcilerSpec" (dict "root" $ "kind" $kind). For each map that leads to a
field, which of its members may change; nothing is said of what lies below a `*` or an index, or below a field. */}}
{{- define "keyhole.reconcilerSpec" -}}
{{- $admission := .root.Files.Get "files/admission.json" | fromJson -}}
{{- $group := .kind.group | default "" -}}
{{- $resource := .kind.resource | default "configmaps" -}}
{{- $maps := list -}}
{{- $members := dict -}}
{{- $ends := dict -}}
{{- $everything := false -}}
{{- range .kind.fields | default (list "/data/*") -}}
{{- $path := "" -}}
{{- $open := true -}}
{{- range splitList "/" (trimPrefix "/" .) -}}
{{- if or (eq . "*") (eq . "**") (regexMatch "^[0-9]+$" .) -}}
{{- $open = false -}}
{{- end -}}
{{- if $open -}}
{{- if not (hasKey $members $path) -}}
{{- $maps = append $maps $path -}}
{{- end -}}
{{- $name := . | replace "~1" "/" | replace "~0" "~" -}}
{{- $_ := set $members $path (append (get $members $path | default list) $name | uniq | sortAlpha) -}}
{{- $path = printf "%s/%s" $path . -}}
{{- end -}}
{{- end -}}
{{- $_ := set $ends $path true -}}
{{- if not $path -}}
{{- $everything = true -}}
{{- end -}}
{{- end -}}
{{- $spec := toJson $admission.reconcilerOfKind | replace "KIND-GROUP" $group | replace "KIND-RESOURCE" $resource | replace "KIND-NAME" .kind.kind | fromJson -}}
{{- $kind := .kind.kind -}}
{{- if not $everything -}}
{{- range $path := $maps -}}
{{- $above := "" -}}
{{- $isBelowAField := false -}}
{{- $where := list -}}
{{- $steps := "" -}}
{{- range $segment := splitList "/" $path -}}
{{- if $segment -}}
{{- $above = printf "%s/%s" $above $segment -}}
{{- if hasKey $ends $above -}}
{{- $isBelowAField = true -}}
{{- end -}}
{{- $name := $segment | replace "~1" "/" | replace "~0" "~" -}}
{{- $where = append $where $name -}}
{{- $steps = printf "%s[?'%s']" $steps $name -}}
{{- end -}}
{{- end -}}
{{- if not $isBelowAField -}}
{{- $names := get $members $path -}}
{{- $one := ternary $admission.reconcilerOfMaps $admission.reconcilerOfObjects (ne $path "") -}}
{{- $expression := $one.expression | replace "[?'KIND-PARENT']" $steps | replace "'KIND-MEMBER'" (printf "'%s'" (join "', '" $names)) -}}
{{- $message := $one.message | replace "KIND-PARENT" (join "/" $where) | replace "KIND-MEMBER" (join ", " $names) | replace "KIND-NAME" $kind -}}
{{- $validation := dict "expression" $expression "message" $message "reason" $one.reason -}}
{{- $_ := set $spec "validations" (append $spec.validations $validation) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ toYaml $spec }}
{{- end -}}

{{/* What a pod that is given the list of kinds mounts. */}}
{{- define "keyhole.kindsMount" -}}
- name: kinds
  mountPath: /etc/keyhole/kinds
  readOnly: true
{{- end -}}

{{- define "keyhole.kindsVolume" -}}
- name: kinds
  configMap:
    name: {{ include "keyhole.fullname" . }}-kinds
{{- end -}}

{{/* The annotation by which pods are replaced when the list changes: they read it when they start. */}}
{{- define "keyhole.kindsChecksum" -}}
checksum/kinds: {{ toJson .Values.kinds | sha256sum | trunc 16 | quote }}
{{- end -}}
