# METADATA
# title: References and plain text
# description: >-
#   What `keyhole lint` finds of single objects, for places where it does not run: pull requests that conftest checks,
#   and clusters with OPA or Gatekeeper. `keyhole lint` says more, with the place in the file and what would help.
# authors:
# - Keyhole
package keyhole.references

import rego.v1

import data.keyhole.characters
import data.keyhole.grammar
import data.keyhole.subject

# METADATA
# title: An annotation cannot be read
# description: Admission refuses the object.
# custom:
#   rule: KH101
#   severity: error
deny contains found if {
	some manifest in subject.manifests
	some note in _notes(manifest)
	problem := _problem(note)
	found := subject.told(manifest, "KH101", note.pointer, sprintf("annotation %s %s", [note.name, problem]))
}

# METADATA
# title: A reference in place cannot be read
# description: Admission refuses the object. If it is no reference, `keyhole.dev/ignore` says so.
# custom:
#   rule: KH101
#   severity: error
deny contains found if {
	some manifest in subject.manifests
	ignored := _ignored(manifest)
	some value in _suspects(manifest)
	some text in _texts(value.key, value.text)
	not grammar.accepts(text)
	not _is_ignored(ignored, value.key)
	message := sprintf("%s.%s looks like a reference and cannot be read", [value.part, value.key])
	found := subject.told(manifest, "KH101", _pointer([value.part, value.key]), message)
}

# METADATA
# title: A Secret holds a value
# description: Everybody who can read the repository, or whoever wrote it, has the value.
# custom:
#   rule: KH301
#   severity: error
deny contains found if {
	some manifest in subject.manifests
	_is_judged(manifest)
	excused := (_recorded(manifest) | {key | some key in _public(manifest)}) | _sources(manifest)
	referring := {[value.part, value.key] | some value in _suspects(manifest); _refers(value)}
	some value in _values(manifest)
	not value.key in excused
	not [value.part, value.key] in referring
	found := subject.told(manifest, "KH301", _pointer([value.part, value.key]), sprintf("%s.%s holds a value", [value.part, value.key]))
}

# METADATA
# title: A reference in place drifts
# description: A GitOps tool that compares without a dry run sees the value where Git has the reference.
# custom:
#   rule: KH201
#   severity: warning
warn contains found if {
	some manifest in subject.manifests
	recorded := _recorded(manifest)
	ignored := _ignored(manifest)
	some value in _suspects(manifest)
	not value.key in recorded
	_refers(value)
	not _is_ignored(ignored, value.key)
	message := sprintf("%s.%s is a reference in place; %s would not drift", [value.part, value.key, _instead(value.key)])
	found := subject.told(manifest, "KH201", _pointer([value.part, value.key]), message)
}

# All annotations of ours, of the object and of every template within it.
_notes(manifest) := [note |
	walk(manifest, [path, notes])
	path[count(path) - 1] == "annotations"
	path[count(path) - 2] == "metadata"
	some name, text in notes
	_asks(name)
	note := {"name": name, "text": text, "pointer": _pointer(array.concat(path, [name]))}
]

_asks(name) if startswith(name, characters.annotations.data)

_asks(name) if _is_variable(name)

_asks(name) if name in _maps

_asks(name) if name in _lists

_is_variable(name) if regex.match(sprintf(`^(?:[^/]*\.)?%s`, [regex.replace(characters.annotations.env_domain, `\.`, `\.`)]), name)

_maps := [characters.annotations.fields, characters.annotations.env]

_lists := [characters.annotations.from, characters.annotations.env_from]

# Undefined if nothing is wrong with the annotation.
_problem(note) := "is no list of paths, MOUNT/PATH" if {
	note.name in _lists
	not grammar.accepts_paths(note.text)
}

_problem(note) := "is no map of references" if {
	note.name in _maps
	not _entries(note.text)
}

_problem(note) := sprintf("has an entry %s that cannot be read as a reference", [entry]) if {
	note.name in _maps
	unread := sort([name | some name, text in _entries(note.text); not _is_template(_key_of(name), text)])
	entry := unread[0]
}

_problem(note) := "cannot be read as a reference" if {
	not note.name in _maps
	not note.name in _lists
	not _is_template(split(note.name, "/")[1], note.text)
}

_entries(text) := entries if {
	yaml.is_valid(text)
	entries := yaml.unmarshal(text)
	is_object(entries)
	every entry in entries {
		is_string(entry)
	}
}

_key_of(pointer) := trim_prefix(pointer, "/data/")

# An annotation must have a reference, or name another key that is rendered.
_is_template(_, text) if startswith(text, characters.file_prefix)

_is_template(key, text) if {
	texts := _texts(key, text)
	some one in texts
	grammar.has_reference(one)
	every each in texts {
		grammar.accepts(each)
	}
}

# The texts that are read one by one: the strings of a docker configuration, or the text itself.
_texts(key, text) := [string |
	walk(json.unmarshal(text), [_, string])
	is_string(string)
] if {
	_is_docker(key, text)
}

_texts(key, text) := [text] if not _is_docker(key, text)

_is_docker(key, text) if {
	key in characters.docker_configurations
	json.is_valid(text)
}

# The keys of a Secret that have a text.
_values(manifest) := [value |
	manifest.apiVersion == "v1"
	manifest.kind == "Secret"
	some part in ["data", "stringData"]
	some key, raw in manifest[part]
	is_string(raw)
	text := _decoded(part, raw)
	text != ""
	value := {"part": part, "key": key, "text": text}
]

# The few of them that may refer to Vault: JSON may have the word in escapes.
_suspects(manifest) := [value |
	some value in _values(manifest)
	_may_refer(value)
]

_may_refer(value) if contains(value.text, "vault")

_may_refer(value) if value.key in characters.docker_configurations

_decoded("stringData", raw) := raw

# Kustomize prints long values in several lines.
_decoded("data", raw) := _text(replace(replace(replace(raw, "\n", ""), "\r", ""), " ", ""))

_text(encoded) := base64.decode(encoded) if base64.is_valid(encoded)

# The API server will refuse it, and it can be read in Git all the same.
_text(encoded) := encoded if not base64.is_valid(encoded)

_refers(value) if {
	some text in _texts(value.key, value.text)
	grammar.has_reference(text)
}

_is_judged(manifest) if {
	not _is_of_exempt_type(manifest)
	not _is_exempt(manifest)
}

_is_of_exempt_type(manifest) if {
	some pattern in subject.parameter("exemptTypes", characters.exempt_types)
	glob.match(pattern, null, _type(manifest))
}

_type(manifest) := object.get(manifest, "type", "Opaque")

_is_exempt(manifest) if {
	some pattern in subject.parameter("exemptSecrets", [])
	metadata := manifest.metadata
	glob.match(pattern, ["/"], concat("/", [object.get(metadata, "namespace", ""), object.get(metadata, "name", "")]))
}

_public(manifest) := object.get(subject.parameter("publicKeys", {}), _type(manifest), [])

default _recorded(_) := set()

# The keys that Keyhole filled. Whether the record is genuine, Keyhole alone can tell.
_recorded(manifest) := {_key_of(pointer) | some pointer, _ in json.unmarshal(record).fields} if {
	record := manifest.metadata.annotations[characters.annotations.record]
	json.is_valid(record)
}

# The keys whose texts are rendered into files.
_sources(manifest) := {trim_prefix(note.text, characters.file_prefix) |
	some note in _notes(manifest)
	startswith(note.text, characters.file_prefix)
}

default _ignored(_) := ""

_ignored(manifest) := trim_space(manifest.metadata.annotations[characters.annotations.ignore])

_is_ignored("true", _)

_is_ignored(ignored, key) if {
	some one in split(ignored, ",")
	trim_space(one) == key
}

_instead(key) := sprintf("annotation %s%s", [characters.annotations.data, key]) if _can_be_name(key)

_instead(key) := sprintf("annotation %s with /data/%s", [characters.annotations.fields, key]) if not _can_be_name(key)

# The part of an annotation's name behind the slash (Kubernetes, Labels and Selectors, syntax).
_can_be_name(key) if regex.match(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`, key)

_pointer(path) := concat("", [escaped |
	some segment in path
	escaped := sprintf("/%s", [replace(replace(sprintf("%v", [segment]), "~", "~0"), "/", "~1")])
])
