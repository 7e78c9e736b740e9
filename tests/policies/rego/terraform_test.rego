package keyhole.terraform_test

import rego.v1

import data.keyhole.terraform

_plan(resources) := {"format_version": "1.2", "resource_changes": resources}

_resource(type, after) := {
	"address": sprintf("%s.one", [type]),
	"type": type,
	"change": {"actions": ["create"], "after": after, "after_unknown": {"id": true}},
}

_policy(text) := _plan([_resource("vault_policy", {"name": "keyhole-shop", "policy": text})])

_rule(path, capabilities) := sprintf("path %s {\n  capabilities = %s\n}\n", [json.marshal(path), json.marshal(capabilities)])

_used := {"shop": ["secret/shop/app", "secret/data/shop/other", "kv/shop"]}

_good := concat("", [
	"# A comment with { and \"quotes\n// another\n/* and\none */\n",
	_rule("secret/data/shop/app", ["read"]),
	_rule("secret/metadata/shop/app", ["read"]),
	_rule("secret/data/shop/other", ["read"]),
	_rule("kv/shop", ["read"]),
	_rule("auth/token/revoke-self", ["update"]),
])

_said := {found.rule | some found in terraform.deny}

test_what_is_used_and_nothing_else if {
	terraform.violations == [] with input as _policy(_good) with data.keyhole.used as _used
	terraform.warnings == [] with input as _policy(_good) with data.keyhole.used as _used
}

test_terraform_enterprise_has_the_plan_within if {
	terraform.violations == [] with input as {"run": {}, "plan": _policy(_good)} with data.keyhole.used as _used
	text := _rule("secret/data/*", ["read"])
	terraform.violations == ["vault_policy.one: grants more than one path by \"secret/data/*\" (wildcard)"] with input as {"run": {}, "plan": _policy(text)} with data.keyhole.used as _used
}

test_findings_of_policies if {
	cases := {
		"secret/data/*": {"wildcard"},
		"secret/+/shop": {"wildcard"},
		"+/data/shop": {"wildcard"},
		"secret/data/{{identity.entity.id}}": {"wildcard"},
		"secret/data/bank": {"unused"},
		"secret/data/shop/extra/app": {"unused"},
		"data/secret/shop/app": {"unused"},
		"sys/mounts": {"own-mount", "unused"},
		"auth/token/create": {"own-mount", "unused"},
	}
	every path, rules in cases {
		_said == rules with input as _policy(_rule(path, ["read"])) with data.keyhole.used as _used
	}
}

test_capabilities if {
	every capability in ["create", "update", "list", "sudo", "deny"] {
		_said == {"capability"} with input as _policy(_rule("secret/data/shop/app", ["read", capability])) with data.keyhole.used as _used
	}
	_said == {"capability"} with input as _policy(_rule("auth/token/revoke-self", ["read"])) with data.keyhole.used as _used
}

test_policies_in_json if {
	good := json.marshal({"path": {"secret/data/shop/app": {"capabilities": ["read"]}}})
	_said == set() with input as _policy(good) with data.keyhole.used as _used
	more := json.marshal({"path": {"secret/data/shop/app": {"capabilities": ["read", "list"]}, "kv/shop": {"capabilities": ["read"]}}})
	_said == {"capability"} with input as _policy(more) with data.keyhole.used as _used
	every text in [
		"{\"path\": 1}",
		"{\"path\": {\"kv/shop\": {\"policy\": \"write\"}}}",
		"{\"path\": {\"kv/shop\": {\"policy\": \"sudo\", \"capabilities\": [\"read\"]}}}",
		"{\"path\": {\"kv/shop\": {\"capabilities\": \"read\"}}}",
		"{\"path\": {\"kv/shop\": {\"capabilities\": [1]}}}",
		"{\"path\": {\"kv/shop\": {\"capabilities\": []}}}",
		`{"path": {"*": {"capabilities": ["sudo"]}}, "path": {"kv/shop": {"capabilities": ["read"]}}}`,
		`{"path": {"*": {"capabilities": ["sudo"]}}, "\u0070ath": {"kv/shop": {"capabilities": ["read"]}}}`,
		`{"path": {"kv/shop": {"capabilities": ["sudo"]}, "kv/shop": {"capabilities": ["read"]}}}`,
		`{"path": {"kv/shop": {"capabilities": ["sudo"], "capabilities": ["read"]}}}`,
	] {
		"not-checked" in _said with input as _policy(text) with data.keyhole.used as _used
	}
}

test_another_resource_that_writes_a_policy if {
	every path in ["sys/policies/acl/keyhole-shop", "sys/policy/keyhole-shop", "/v1/sys/policy/keyhole-x"] {
		_said == {"not-checked"} with input as _plan([_resource("vault_generic_endpoint", {"path": path})])
	}
	_said == set() with input as _plan([_resource("vault_generic_endpoint", {"path": "secret/data/a"})])
	_said == set() with input as _plan([_resource("vault_generic_endpoint", {})])
}

test_rules_with_conditions_are_read if {
	text := `path "secret/data/*" {
  capabilities = ["read"]
  allowed_parameters = { "a" = ["}"] }
}`
	_said == {"wildcard"} with input as _policy(text) with data.keyhole.used as _used
}

test_what_cannot_be_read_is_not_checked if {
	every text in [
		"path \"secret/data/shop/app\" {",
		"path \"secret/data/shop/app\" { policy = \"write\" }",
		"name = \"x\"",
		"path secret { capabilities = [\"read\"] }",
		"path \"secret/data/shop/app\" { capabilities = local.x }",
		"path \"secret/data/shop/app\" { capabilities = [\"read\", local.x] }",
		"path \"secret/data/shop/app\" { capabilities = [\"read\"]\n policy = \"sudo\" }",
		"path \"secret/data/\\xff\" { capabilities = [\"sudo\"] }",
	] {
		_said == {"not-checked"} with input as _policy(text) with data.keyhole.used as _used
	}
	_said == {"not-checked"} with input as _policy(null) with data.keyhole.used as _used
	_said == {"not-checked"} with input as _plan([_resource("vault_policy", {"policy": ""})]) with data.keyhole.used as _used
}

test_without_an_inventory_use_is_not_checked if {
	_said == {"not-checked"} with input as _policy(_good)
	terraform.warnings == [] with input as _policy(_good)
	_said == {"not-checked"} with input as _policy(_good) with data.keyhole.used as {"bank": []}
	_said == {"unused"} with input as _policy(_rule("kv/shop", ["read"])) with data.keyhole.used as {"shop": []}
}

test_what_is_allowed_to_be_unchecked_is_a_warning if {
	terraform.violations == [] with input as _policy(_good) with data.keyhole.parameters as {"allowUnchecked": true}
	count(terraform.warnings) == 1 with input as _policy(_good) with data.keyhole.parameters as {"allowUnchecked": true}
}

test_policies_that_may_be_wide if {
	parameters := {"widePolicies": ["keyhole-shop"]}
	_said == set() with input as _policy(_rule("secret/data/shop/*", ["read"])) with data.keyhole.parameters as parameters
	_said == {"wildcard", "not-checked"} with input as _policy(_rule("secret/data/shop/*", ["read"]))
}

test_what_is_not_judged if {
	wide := _rule("*", ["sudo"])
	terraform.violations == [] with input as _plan([_resource("vault_policy", {"name": "admin", "policy": wide})])
	terraform.violations == [] with input as {"kind": "Secret"}
	gone := {"address": "a", "type": "vault_policy", "change": {"actions": ["delete"], "after": null}}
	terraform.violations == [] with input as _plan([gone])
	unchanged := object.union(_resource("vault_policy", {"name": "keyhole-shop", "policy": wide}), {"change": {"actions": ["no-op"]}})
	_said == {"wildcard", "capability", "not-checked"} with input as _plan([unchanged])
}

_jwt := {
	"role_name": "keyhole-shop",
	"bound_audiences": ["vault"],
	"bound_subject": "system:serviceaccount:shop:keyhole",
	"token_policies": ["keyhole-shop"],
	"token_no_default_policy": true,
	"token_ttl": 600,
	"token_max_ttl": 600,
}

_kubernetes := {
	"bound_service_account_names": ["keyhole"],
	"bound_service_account_namespaces": ["shop"],
	"audience": "vault",
	"token_policies": ["keyhole-shop"],
	"token_no_default_policy": true,
	"token_ttl": 600,
	"token_max_ttl": 3600,
}

_role(method, after) := _plan([_resource(sprintf("vault_%s_auth_backend_role", [method]), after)])

test_good_roles if {
	terraform.violations == [] with input as _role("jwt", _jwt)
	terraform.violations == [] with input as _role("kubernetes", _kubernetes)
	terraform.violations == [] with input as _role("jwt", {"token_policies": ["other"]})
	terraform.violations == [] with input as _role("jwt", {})
}

test_findings_of_roles if {
	cases := [
		["jwt", {"bound_subject": ""}, "bound-subject"],
		["jwt", {"bound_subject": null}, "bound-subject"],
		["jwt", {"bound_subject": "system:serviceaccount:shop:*"}, "bound-subject"],
		["jwt", {"bound_audiences": []}, "audience"],
		["jwt", {"bound_audiences": null}, "audience"],
		["kubernetes", {"audience": null}, "audience"],
		["kubernetes", {"bound_service_account_names": ["*"]}, "bound-account"],
		["kubernetes", {"bound_service_account_names": ["keyhole", "default"]}, "bound-account"],
		["kubernetes", {"bound_service_account_namespaces": ["*"]}, "bound-namespace"],
		["kubernetes", {"bound_service_account_namespaces": ["shop", "bank"]}, "bound-namespace"],
		["jwt", {"token_ttl": 0}, "ttl"],
		["jwt", {"token_ttl": null}, "ttl"],
		["jwt", {"token_max_ttl": 3601}, "ttl"],
		["kubernetes", {"token_no_default_policy": false}, "default-policy"],
		["jwt", {"token_policies": ["keyhole-shop", "admin"]}, "other-policy"],
	]
	every each in cases {
		[method, changed, rule] := each
		good := {"jwt": _jwt, "kubernetes": _kubernetes}[method]
		_said == {rule} with input as _role(method, object.union(good, changed))
	}
}

_unknown(names) := {"change": {"after_unknown": names}}

test_what_is_known_after_apply_only if {
	role := _resource("vault_jwt_auth_backend_role", _jwt)
	_said == {"not-checked"} with input as _plan([object.union(role, _unknown({"token_ttl": true}))])
	_said == {"not-checked"} with input as _plan([object.union(role, _unknown({"bound_audiences": [true]}))])
	_said == set() with input as _plan([object.union(role, _unknown({"bound_audiences": [], "id": true, "token_ttl": false}))])
	_said == {"not-checked"} with input as _plan([object.union(_resource("vault_jwt_auth_backend_role", {}), _unknown({"token_policies": true}))])
}

test_one_role_for_all_namespaces if {
	wide := {"widePolicies": ["keyhole-all"]}
	jwt := object.union(_jwt, {
		"bound_subject": null,
		"bound_claims": {"/kubernetes.io/serviceaccount/name": "keyhole"},
		"token_policies": ["keyhole-all"],
	})
	_said == set() with input as _role("jwt", jwt) with data.keyhole.parameters as wide
	_said == {"bound-subject"} with input as _role("jwt", jwt)
	open := object.union(jwt, {"bound_claims": null})
	_said == {"bound-subject"} with input as _role("jwt", open) with data.keyhole.parameters as wide
	others := object.union(jwt, {"bound_subject": "system:serviceaccount:shop:other"})
	_said == {"bound-subject"} with input as _role("jwt", others) with data.keyhole.parameters as wide
	kubernetes := object.union(_kubernetes, {"bound_service_account_namespaces": ["*"], "token_policies": ["keyhole-all"]})
	_said == set() with input as _role("kubernetes", kubernetes) with data.keyhole.parameters as wide
	_said == {"bound-namespace"} with input as _role("kubernetes", kubernetes)
	mixed := object.union(kubernetes, {"token_policies": ["keyhole-all", "keyhole-shop"]})
	_said == {"bound-namespace", "other-policy"} with input as _role("kubernetes", mixed) with data.keyhole.parameters as wide
}

test_a_longer_life_if_somebody_says_so if {
	role := _role("jwt", object.union(_jwt, {"token_max_ttl": 7200}))
	terraform.violations == [] with input as role with data.keyhole.parameters as {"mostTokenSeconds": 7200}
}
