# METADATA
# title: What is judged
# description: >-
#   The manifests in the input, however it comes: a file for conftest, an AdmissionReview for OPA, a review by
#   Gatekeeper. And what an organisation decided: `data.keyhole.parameters` for OPA, conftest and Terraform Enterprise,
#   the parameters of a constraint for Gatekeeper.
package keyhole.subject

import rego.v1

import data.keyhole.parameters as decided

# The manifests in the input. A List has its items, and so has a SecretList, in which they need no kind of their own.
manifests := [manifest |
	some content in _contents
	some manifest in _items(content)
]

_items(content) := [manifest |
	some item in content.items
	some manifest in _within(content, item)
] if {
	_is_list(content)
} else := [content]

# Lists may stand in lists.
_within(list, item) := [manifest |
	some each in item.items
	manifest := _named(item, each)
] if {
	_is_list(item)
} else := [_named(list, item)]

_is_list(content) if {
	endswith(content.kind, "List")
	is_array(content.items)
}

# Source: kubectl, which gives items without a kind that of their list.
_named(list, item) := object.union({"apiVersion": list.apiVersion, "kind": trim_suffix(list.kind, "List")}, item) if {
	is_object(item)
	list.kind != "List"
} else := item

_contents := [input.review.object] if _is_review

_contents := [input.request.object] if _is_request

_contents := [input] if {
	is_object(input)
	not _is_review
	not _is_request
}

# conftest --combine gives the files of a folder as a list.
_contents := [file.contents | some file in input] if is_array(input)

# A manifest has a kind, so one with such a field beside it is judged as what it is.
_is_review if {
	input.review
	not input.kind
}

_is_request if {
	input.request
	object.get(input, "kind", "AdmissionReview") == "AdmissionReview"
}

# A parameter, or what it is where nobody decided.
parameter(name, otherwise) := object.get(input, ["parameters", name], otherwise) if _is_review

parameter(name, otherwise) := object.get(_decided, name, otherwise) if not _is_review

default _decided := {}

_decided := decided

# How messages name an object, whatever stands in it: a finding without a name is still one.
named(manifest) := concat(" ", [_text(manifest, "kind", "object"), concat("/", array.concat(namespace, [name]))]) if {
	metadata := _metadata(manifest)
	namespace := [one | one := _text(metadata, "namespace", ""); one != ""]
	name := _text(metadata, "name", _text(metadata, "generateName", "without a name"))
}

default _metadata(_) := {}

_metadata(manifest) := manifest.metadata if is_object(manifest.metadata)

_text(content, name, otherwise) := sprintf("%v", [object.get(content, name, otherwise)])

# What is told of an object. It never quotes a value.
told(manifest, rule, pointer, text) := {
	"msg": sprintf("%s: %s (%s)", [named(manifest), text, rule]),
	"rule": rule,
	"pointer": pointer,
}
