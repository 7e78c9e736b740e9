package keyhole.references_test

import rego.v1

import data.keyhole.references

_secret(content) := object.union(
	{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": "shop"}},
	content,
)

_noted(notes) := _secret({"metadata": {"annotations": notes}})

_told := {found.msg | some found in references.deny}

_warned := {found.msg | some found in references.warn}

test_good_annotations if {
	notes := {
		"data.keyhole.dev/a": "vault:secret/app#a",
		"data.keyhole.dev/b": "x ((vault:secret/app#a | base64)) y",
		"data.keyhole.dev/c": "key:c.tmpl",
		"keyhole.dev/from": "secret/app, vault+eu:secret/base",
		"keyhole.dev/fields": "/data/d e: vault:secret/app#d\n",
		"keyhole.dev/ignore": "x",
		"other.example/a": "vault:",
		"env.keyhole.dev/A": "vault:secret/app#a",
		"web.env.keyhole.dev/A": "vault:secret/app#a",
		"envXkeyhole.dev/A": "vault:",
	}
	_told == set() with input as _noted(notes)
	_warned == set() with input as _noted(notes)
}

test_bad_annotations if {
	bad := {
		"data.keyhole.dev/a": ["vault:secret/app", "plain", "((vault:secret/app#a", "vault:secret/app#a | md5"],
		"env.keyhole.dev/A": ["vault:secret/app"],
		"web.env.keyhole.dev/A": ["vault:"],
	}
	every name, texts in bad {
		every text in texts {
			said := _told with input as _noted({name: text})
			said == {sprintf("Secret shop/app: annotation %s cannot be read as a reference (KH101)", [name])}
		}
	}
}

test_bad_maps_and_lists if {
	bad := {
		"keyhole.dev/fields": [["- a", "is no map of references"], ["a: 1", "is no map of references"], ["a: [", "is no map of references"]],
		"keyhole.dev/env": [["A: vault:b", "has an entry A that cannot be read as a reference"]],
		"keyhole.dev/from": [["secret", "is no list of paths, MOUNT/PATH"], ["secret/a#b", "is no list of paths, MOUNT/PATH"]],
		"keyhole.dev/env-from": [["secret/a,secret/a", "is no list of paths, MOUNT/PATH"]],
	}
	every name, cases in bad {
		every pair in cases {
			said := _told with input as _noted({name: pair[0]})
			said == {sprintf("Secret shop/app: annotation %s %s (KH101)", [name, pair[1]])}
		}
	}
}

test_what_is_no_annotation_and_what_is_no_text if {
	elsewhere := _secret({"spec": {"labels": {"data.keyhole.dev/a": "vault:x"}}})
	_told == set() with input as elsewhere
	every text in ["{a: b}", "- a", 1, null, {"a": "b"}] {
		said := _told with input as _noted({"data.keyhole.dev/a": text})
		said == {"Secret shop/app: annotation data.keyhole.dev/a cannot be read as a reference (KH101)"}
	}
}

test_json_under_another_key if {
	text := json.marshal({"password": "vault:secret/app#a"})
	_told == {"Secret shop/app: stringData.app holds a value (KH301)"} with input as _secret({"stringData": {"app": text}})
}

test_annotations_of_templates if {
	deployment := {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"metadata": {"annotations": {"env.keyhole.dev/A": "vault:x"}}}}}
	found := references.deny with input as deployment
	{one.pointer | some one in found} == {"/spec/template/metadata/annotations/env.keyhole.dev~1A"}
}

_docker(credential) := json.marshal({"auths": {"registry.example": credential}})

test_docker_configurations if {
	good := _docker({"username": "app", "password": "vault:secret/app#a"})
	_told == set() with input as _noted({"keyhole.dev/fields": yaml.marshal({"/data/.dockerconfigjson": good})})
	_told == set() with input as _secret({"stringData": {".dockerconfigjson": good}})
	count(_warned) == 1 with input as _secret({"stringData": {".dockerconfigjson": good}})
	_told == set() with input as _secret({"stringData": {".dockerconfigjson": "vault:secret/app#a"}})
	escaped := replace(good, "vault", "va\\u0075lt")
	count(_warned) == 1 with input as _secret({"stringData": {".dockerconfigjson": escaped}})
	bad := _docker({"password": "vault:secret/app"})
	_told == {"Secret shop/app: stringData.config.json looks like a reference and cannot be read (KH101)"} with input as _secret({"stringData": {"config.json": bad}})
}

test_in_place if {
	good := {"stringData": {"token": "vault:secret/app#t", "a file": "t=((vault:secret/app#t))"}}
	_told == set() with input as _secret(good)
	_warned == {
		"Secret shop/app: stringData.token is a reference in place; annotation data.keyhole.dev/token would not drift (KH201)",
		"Secret shop/app: stringData.a file is a reference in place; annotation keyhole.dev/fields with /data/a file would not drift (KH201)",
	} with input as _secret(good)
	encoded := {"data": {"token": base64.encode("vault:secret/app")}}
	_told == {"Secret shop/app: data.token looks like a reference and cannot be read (KH101)"} with input as _secret(encoded)
}

test_what_is_ignored if {
	every text in ["true", "other, token"] {
		secret := object.union(_noted({"keyhole.dev/ignore": text}), {"stringData": {"token": "vault:v1:abc"}})
		_told == set() with input as secret
		_warned == set() with input as secret
	}
	secret := object.union(_noted({"keyhole.dev/ignore": "other"}), {"stringData": {"token": "vault:v1:abc"}})
	count(_told) == 1 with input as secret
}

test_plain_text if {
	every content in [
		{"stringData": {"password": "hunter2"}},
		{"data": {"password": base64.encode("hunter2")}},
		{"data": {"password": "aHVu\ndGVyMg=="}},
		{"data": {"password": "not base64!"}},
		{"data": {"password": "aHVudGVyMg=="}, "type": "Opaque"},
		{"data": {"password": "aHVudGVyMg=="}, "type": "example.com/own"},
	] {
		part := [name | some name in ["data", "stringData"]; content[name]][0]
		said := _told with input as _secret(content)
		said == {sprintf("Secret shop/app: %s.password holds a value (KH301)", [part])}
	}
}

test_no_plain_text if {
	every content in [
		{"stringData": {"password": ""}},
		{"data": {"password": null}},
		{"data": {"password": 1}},
		{"stringData": {"password": 1}},
		{"type": "kubernetes.io/tls", "data": {"tls.key": "eA=="}},
		{"type": "helm.sh/release.v1", "data": {"release": "eA=="}},
		object.union(_noted({"data.keyhole.dev/a": "key:b"}), {"stringData": {"b": "text"}}),
		{"kind": "ConfigMap", "data": {"a": "b"}},
		{"apiVersion": "example.com/v1", "data": {"a": "b"}},
	] {
		_told == set() with input as _secret(content)
	}
}

test_what_the_record_names_was_filled if {
	filled := object.union(
		_noted({"keyhole.dev/record": json.marshal({"v": 1, "fields": {"/data/a": {"form": "annotation"}}})}),
		{"data": {"a": base64.encode("vault:secret/x")}},
	)
	not "Secret shop/app: data.a holds a value (KH301)" in _told with input as filled
	_warned == set() with input as filled
	copied := object.union(_noted({"keyhole.dev/record": "{"}), {"data": {"a": "eA=="}})
	_told == {"Secret shop/app: data.a holds a value (KH301)"} with input as copied
	beside := object.union(_noted({"data.keyhole.dev/a": "vault:secret/app#a"}), {"data": {"a": "eA=="}})
	_told == {"Secret shop/app: data.a holds a value (KH301)"} with input as beside
}

test_what_an_organisation_lets_pass if {
	plain := _secret({"stringData": {"LOG_LEVEL": "debug"}})
	every parameters in [
		{"exemptTypes": ["Opaque"]},
		{"publicKeys": {"Opaque": ["LOG_LEVEL"]}},
		{"exemptSecrets": ["shop/*"]},
		{"exemptSecrets": ["*/app"]},
	] {
		_told == set() with input as plain with data.keyhole.parameters as parameters
	}
	every parameters in [{"publicKeys": {"Opaque": ["OTHER"]}}, {"exemptSecrets": ["app", "bank/*"]}] {
		count(_told) == 1 with input as plain with data.keyhole.parameters as parameters
	}
	count(_told) == 1 with input as {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "stringData": {"a": "b"}} with data.keyhole.parameters as {"exemptSecrets": ["a/*"]}
}

test_no_message_has_a_value if {
	every text in ["canary-7f3a", "vault:canary-7f3a", "((vault:a/b#canary-7f3a"] {
		said := _told | _warned with input as object.union(_noted({"data.keyhole.dev/a": text}), {"stringData": {"b": text}, "data": {"c": base64.encode(text)}})
		count(said) > 1
		every message in said {
			not contains(message, "canary-7f3a")
		}
	}
}
