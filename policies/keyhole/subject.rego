# METADATA
# title: What is judged
# description: >-
#   The manifests in the input, however it comes: a file for conftest, an AdmissionReview for OPA, a review by
#   Gatekeeper. And what an organisation decided: `data.keyhole.parameters` for OPA, conftest and Terraform Enterprise,
#   the parameters of a constraint for Gatekeeper.
package keyhole.subject

import rego.v1

import data.keyhole.parameters as decided

# The manifests in the input. A List has its items.
manifests := _content.items if {
	_content.kind == "List"
	is_array(_content.items)
}

manifests := [_content] if not _content.kind == "List"

_content := input.review.object

_content := input.request.object

_content := input if {
	is_object(input)
	not input.review
	not input.request
}

# A parameter, or what it is where nobody decided.
parameter(name, otherwise) := object.get(input, ["parameters", name], otherwise) if input.review

parameter(name, otherwise) := object.get(_decided, name, otherwise) if not input.review

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
