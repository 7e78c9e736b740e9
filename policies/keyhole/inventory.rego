# METADATA
# title: The inventory
# description: >-
#   Rules over what `keyhole inventory -o json` prints, and an example for your own. `keyhole enforce` judges the same
#   facts more finely. What could not be looked at is told as not checked, and counts as a finding unless the parameter
#   `allowUnchecked` says otherwise.
package keyhole.inventory

import rego.v1

import data.keyhole.subject

# METADATA
# title: Paths in use
# description: >-
#   By namespace, the paths in Vault that records name or annotations ask for. A namespace whose objects are not known
#   is left out: nobody may conclude that it uses nothing. `keyhole.terraform` takes it as `data.keyhole.used`.
# entrypoint: true
used := {namespace.name: sort(_recorded(namespace) | _wanted(namespace)) |
	some namespace in input.cluster.namespaces
	is_array(namespace.objects)
	object.get(namespace, "unread", []) == []
} if {
	_is_inventory
	is_array(input.cluster.namespaces)
}

_recorded(namespace) := {path |
	some one in namespace.objects
	some field in one.fields
	some named, _ in field.versions
	path := substring(named, indexof(named, ":") + 1, -1)
}

_wanted(namespace) := {path |
	some one in namespace.objects
	some pointer, text in one.wants
	some path in _paths(pointer, text)
}

# METADATA
# title: A field is not what its record says
# description: Somebody changed it behind Keyhole's back, or copied the record from another object.
# custom:
#   standard: records-proved
#   severity: error
deny contains found if {
	some one in _objects
	one.proof == "changed"
	found := _told(one, "records-proved", "its record does not prove its values")
}

# METADATA
# title: A reference is not filled
# custom:
#   standard: nothing-unresolved
#   severity: error
deny contains found if {
	some one in _objects
	some pointer in one.unfilled
	found := _told(one, "nothing-unresolved", sprintf("no value stands where a reference asks for one: %s", [pointer]))
}

deny contains found if {
	some found in _unchecked
	not subject.parameter("allowUnchecked", false)
}

# METADATA
# title: What was not checked, if that is allowed
# custom:
#   severity: warning
warn contains found if {
	some found in _unchecked
	subject.parameter("allowUnchecked", false)
}

# METADATA
# title: Several namespaces read one path
# description: >-
#   An example of a rule of one's own. Whoever can read Secrets in one of them has what the others use. Paths that are
#   meant for several stand in the parameter `sharedPaths`.
# custom:
#   severity: warning
warn contains found if {
	some path in {path | some paths in used; some path in paths}
	readers := sort([namespace | some namespace, paths in used; path in paths])
	count(readers) > 1
	not path in subject.parameter("sharedPaths", [])
	text := sprintf("%s is read by the namespaces %s", [path, concat(", ", readers)])
	found := {"msg": sprintf("%s (shared-path)", [text]), "rule": "shared-path"}
}

_is_inventory if input.version == "keyhole.dev/inventory/v1"

_objects contains one if {
	_is_inventory
	some namespace in input.cluster.namespaces
	is_array(namespace.objects)
	some one in namespace.objects
}

# Wherever a fact is not known, the reason stands in its place.
_unchecked contains found if {
	_is_inventory
	walk(input, [path, facts])
	facts.not_known
	where := concat("/", [sprintf("%v", [segment]) | some segment in path])
	found := {"msg": sprintf("%s: not checked: %s (not-checked)", [where, facts.not_known]), "rule": "not-checked"}
}

_unchecked contains found if {
	_is_inventory
	input.ended == null
	found := {"msg": "not checked: the run has not ended (not-checked)", "rule": "not-checked"}
}

_told(one, rule, text) := {
	"msg": sprintf("%s %s/%s: %s (%s)", [one.kind, one.namespace, one.name, text, rule]),
	"rule": rule,
}

# The paths of references that Keyhole has read and written down. Whole secrets, under no pointer, are paths alone.
_paths(pointer, text) := {_decoded(match[1]) |
	pointer != ""
	some match in regex.find_all_string_submatch_n(`vault(?:\+[a-z0-9-]+)?:([^#|)}]+)#`, text, -1)
} | {_decoded(match[1]) |
	pointer == ""
	some each in split(text, ", ")
	some match in regex.find_all_string_submatch_n(`^vault(?:\+[a-z0-9-]+)?:(.+)$`, each, 1)
}

_decoded(path) := urlquery.decode(replace(path, "+", "%2B"))
