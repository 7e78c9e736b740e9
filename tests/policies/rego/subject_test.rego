package keyhole.subject_test

import rego.v1

import data.keyhole.subject

_secret := {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "shop"}}

test_a_manifest_comes_as_it_is if subject.manifests == [_secret] with input as _secret

test_a_list_has_its_items if {
	subject.manifests == [_secret, _secret] with input as {"kind": "List", "items": [_secret, _secret]}
}

test_items_alone_make_no_list if {
	other := {"kind": "Menu", "items": [_secret]}
	subject.manifests == [other] with input as other
	broken := {"kind": "List", "items": "text"}
	subject.manifests == [broken] with input as broken
}

test_lists_of_a_kind_and_lists_in_lists_have_items_too if {
	bare := {"metadata": _secret.metadata}
	secrets := {"apiVersion": "v1", "kind": "SecretList", "items": [bare, "text"]}
	subject.manifests == [_secret, "text"] with input as secrets
	subject.manifests == [_secret, "text"] with input as {"kind": "List", "items": [secrets]}
}

test_conftest_may_give_several_files_at_once if {
	subject.manifests == [_secret] with input as [{"path": "a.yaml", "contents": _secret}]
}

test_a_manifest_cannot_bring_another_one_to_be_judged_for_it if {
	every field in ["review", "request"] {
		decoy := object.union(_secret, {field: {"object": {"kind": "ConfigMap"}}, "parameters": {"a": 3}})
		subject.manifests == [decoy] with input as decoy
		subject.parameter("a", 1) == 1 with input as decoy
	}
}

test_what_is_deleted_has_no_manifest if {
	subject.manifests == [] with input as {"kind": "AdmissionReview", "request": {"oldObject": _secret}}
}

test_an_admission_review_has_the_object if {
	subject.manifests == [_secret] with input as {"kind": "AdmissionReview", "request": {"object": _secret}}
}

test_gatekeeper_has_the_object if {
	subject.manifests == [_secret] with input as {"review": {"object": _secret}, "parameters": {}}
}

test_a_text_is_no_manifest if subject.manifests == [] with input as "text"

test_parameters_are_data if {
	subject.parameter("a", 1) == 2 with input as _secret with data.keyhole.parameters as {"a": 2}
	subject.parameter("b", 1) == 1 with input as _secret with data.keyhole.parameters as {"a": 2}
	subject.parameter("b", 1) == 1 with input as _secret
}

test_gatekeeper_has_parameters_of_its_own if {
	review := {"review": {"object": _secret}, "parameters": {"a": 3}}
	subject.parameter("a", 1) == 3 with input as review with data.keyhole.parameters as {"a": 2}
	subject.parameter("b", 1) == 1 with input as review
	subject.parameter("b", 1) == 1 with input as {"review": {"object": _secret}}
}

test_names if {
	subject.named(_secret) == "Secret shop/a"
	subject.named({"kind": "Secret", "metadata": {"generateName": "a-"}}) == "Secret a-"
	subject.named({}) == "object without a name"
	subject.named({"kind": 1, "metadata": null}) == "1 without a name"
	subject.named({"kind": "Secret", "metadata": {"name": 12, "namespace": ["a"]}}) == "Secret [\"a\"]/12"
}
