# METADATA
# title: Images
# description: What runs, and so who has the secrets, changes without a commit where an image has no digest.
package keyhole.images

import rego.v1

import data.keyhole.subject

# METADATA
# title: The image of a container has no digest
# description: Write `IMAGE:TAG@sha256:…`; Renovate and others keep it current.
# custom:
#   rule: KH502
#   severity: error
deny contains found if {
	some manifest in subject.manifests
	walk(manifest, [path, containers])
	path[count(path) - 1] in {"containers", "initContainers", "ephemeralContainers"}
	is_array(containers)
	some number, container in containers
	is_string(container.image)
	not regex.match(`^\S+@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`, container.image)
	not _is_exempt(container.image)
	message := sprintf("the image of container %s has no digest", [sprintf("%v", [object.get(container, "name", number)])])
	found := subject.told(manifest, "KH502", sprintf("/%s/%d/image", [concat("/", _texts(path)), number]), message)
}

_is_exempt(image) if {
	some pattern in subject.parameter("exemptImages", [])
	glob.match(pattern, null, image)
}

_texts(path) := [sprintf("%v", [segment]) | some segment in path]
