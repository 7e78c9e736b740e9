package keyhole.images_test

import rego.v1

import data.keyhole.images

_digest := sprintf("@sha256:%s", [concat("", ["a" | some _ in numbers.range(1, 64)])])

_pod(containers) := {
	"apiVersion": "v1",
	"kind": "Pod",
	"metadata": {"name": "web", "namespace": "shop"},
	"spec": {"containers": containers},
}

_messages := [found.msg | some found in images.deny]

test_a_digest_is_enough if {
	every image in [sprintf("app:1%s", [_digest]), sprintf("registry:5000/app%s", [_digest])] {
		_messages == [] with input as _pod([{"name": "a", "image": image}])
	}
}

test_what_is_no_digest if {
	digits := concat("", array.slice(split(_digest, ""), 0, 71))
	every image in ["app", "app:1", "app@sha256:abc", sprintf("app%s", [digits]), _digest] {
		said := _messages with input as _pod([{"name": "a", "image": image}])
		said == ["Pod shop/web: the image of container a has no digest (KH502)"]
	}
}

test_every_list_of_containers_anywhere if {
	spec := {"initContainers": [{"image": "a"}], "ephemeralContainers": [{"name": "b", "image": "b"}]}
	found := images.deny with input as {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}
	{one.pointer | some one in found} == {
		"/spec/jobTemplate/spec/template/spec/initContainers/0/image",
		"/spec/jobTemplate/spec/template/spec/ephemeralContainers/0/image",
	}
}

test_exempt_images if {
	pods := _pod([{"name": "a", "image": "registry.local/app:1"}, {"name": "b", "image": "other/app:1"}])
	said := _messages with input as pods with data.keyhole.parameters as {"exemptImages": ["registry.local/*:1"]}
	said == ["Pod shop/web: the image of container b has no digest (KH502)"]
}

test_what_is_no_container if {
	_messages == [] with input as {"containers": "text"}
	_messages == [] with input as {"containers": {"a": {"image": "app:1"}}}
	_messages == [] with input as {"spec": {"sources": [{"image": "app:1"}]}}
	_messages == [] with input as {"containers": [{"image": 1}, "text"]}
}
