# METADATA
# title: Policies and roles of Vault in a Terraform plan
# description: >-
#   Judges what a plan makes of the policies and roles of tenants, before it is applied. The input is what
#   `terraform show -json` prints, or Terraform Enterprise's input with `plan` in it. `data.keyhole.used` has the paths
#   in use by namespace, as `data.keyhole.inventory.used` gives them. What cannot be looked at is told as not checked,
#   and counts as a violation unless the parameter `allowUnchecked` says otherwise.
package keyhole.terraform

import rego.v1

import data.keyhole.subject

# METADATA
# title: Violations
# description: What must not be applied, as sorted texts. Terraform Enterprise wants an array.
# entrypoint: true
violations := sort([found.msg | some found in deny])

# METADATA
# title: Warnings
# description: What somebody should look at, as sorted texts. Terraform Enterprise wants an array.
# entrypoint: true
warnings := sort([found.msg | some found in warn])

# METADATA
# title: A finding, or what was not checked
# custom:
#   severity: error
deny contains found if some found in _findings

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

_plan := input.plan

_plan := input if not input.plan

# What will be there: resources that are made, changed or left as they are.
_planned(types) := [resource |
	some resource in _plan.resource_changes
	resource.type in types
	resource.change.actions != ["delete"]
]

_prefix := subject.parameter("policyPrefix", "keyhole-")

_told(resource, rule, text) := {
	"msg": sprintf("%s: %s (%s)", [resource.address, text, rule]),
	"rule": rule,
	"address": resource.address,
}

# Policies.

_policies := [policy |
	some resource in _planned({"vault_policy"})
	name := object.get(resource.change.after, "name", "")
	startswith(name, _prefix)
	policy := {
		"resource": resource,
		"name": name,
		"namespace": trim_prefix(name, _prefix),
		"text": object.get(resource.change.after, "policy", null),
	}
]

_findings contains found if {
	some policy in _policies
	some rule in _rules(policy.text)
	_is_wildcard(rule.path)
	not _may_be_wide(policy)
	found := _told(policy.resource, "wildcard", sprintf("grants more than one path by %s", [json.marshal(rule.path)]))
}

_findings contains found if {
	some policy in _policies
	some rule in _rules(policy.text)
	some capability in rule.capabilities
	not _is_needed(rule.path, capability)
	found := _told(policy.resource, "capability", sprintf("grants %s on %s, which Keyhole does not need", [capability, json.marshal(rule.path)]))
}

_findings contains found if {
	some policy in _policies
	some rule in _rules(policy.text)
	some own in ["sys/", "auth/", "identity/", "cubbyhole/"]
	startswith(rule.path, own)
	rule.path != _revoke_self
	found := _told(policy.resource, "own-mount", sprintf("grants %s, which belongs to Vault itself", [json.marshal(rule.path)]))
}

_findings contains found if {
	some policy in _policies
	some rule in _rules(policy.text)
	rule.path != _revoke_self
	not _is_wildcard(rule.path)
	used := data.keyhole.used[policy.namespace]
	not _is_used(rule.path, used)
	found := _told(policy.resource, "unused", sprintf("grants %s, which nothing in the namespace %s uses", [json.marshal(rule.path), policy.namespace]))
}

_unchecked contains found if {
	some policy in _policies
	not _is_text(policy.text)
	found := _told(policy.resource, "not-checked", "not checked: its text is known only after apply")
}

_unchecked contains found if {
	some policy in _policies
	_is_text(policy.text)
	not _is_read(policy.text)
	found := _told(policy.resource, "not-checked", "not checked: its text is no policy that can be read here")
}

_unchecked contains found if {
	some policy in _policies
	not data.keyhole.used[policy.namespace]
	not _may_be_wide(policy)
	found := _told(policy.resource, "not-checked", sprintf("not checked: no inventory says what the namespace %s uses", [policy.namespace]))
}

_unchecked contains found if {
	some resource in _planned({"vault_policy"})
	object.get(resource.change.after, "name", null) == null
	found := _told(resource, "not-checked", "not checked: its name is known only after apply")
}

# Other resources can write anything anywhere.
_unchecked contains found if {
	some resource in _planned({"vault_generic_endpoint", "vault_generic_secret"})
	regex.match(sprintf(`^/*(?:v1/)?sys/polic(?:y|ies/acl)/%s`, [_prefix]), object.get(resource.change.after, "path", ""))
	found := _told(resource, "not-checked", "not checked: a policy is a resource vault_policy")
}

_revoke_self := "auth/token/revoke-self"

_is_text(text) if is_string(text)

_may_be_wide(policy) if policy.name in subject.parameter("widePolicies", [])

_is_wildcard(path) if regex.match(`\*$|(?:^|/)\+|\{\{`, path)

_is_needed(path, "read") if path != _revoke_self

_is_needed(path, "update") if path == _revoke_self

_is_used(granted, used) if {
	some path in used
	_forms(granted) & _forms(path) != set()
}

# The path itself, and what it is without the segment that KV version 2 has in its API.
_forms(path) := {path} | {short |
	segments := split(path, "/")
	some number, segment in segments
	number > 0
	segment in {"data", "metadata"}
	short := concat("/", array.concat(array.slice(segments, 0, number), array.slice(segments, number + 1, count(segments))))
}

# The rules of a policy, in HCL or in JSON. What of it cannot be read is told by `_is_read`.
_rules(text) := [{"path": path, "capabilities": rule.capabilities} |
	some path, rule in json.unmarshal(text).path
	object.keys(rule) == {"capabilities"}
] if {
	_is_json(text)
}

_rules(text) := [{"path": json.unmarshal(block[1]), "capabilities": _capabilities(block[2])} |
	some block in regex.find_all_string_submatch_n(_block, _without_comments(text), -1)
] if {
	not _is_json(text)
}

_is_json(text) if json.is_valid(text)

# A rule that is left out here would be a grant that nobody sees.
_is_read(text) if {
	_is_json(text)
	count(_rules(text)) == count(json.unmarshal(text).path)
	_are_read(_rules(text))

	# Vault takes a key that stands twice twice, and here the last one would hide the other. An escape may hide one.
	not contains(text, "\\")
	count(regex.find_n(`"path"\s*:`, text, -1)) == 1
	count(regex.find_n(`"capabilities"\s*:`, text, -1)) == count(_rules(text))
}

_is_read(text) if {
	not _is_json(text)
	plain := _without_comments(text)
	trim_space(regex.replace(plain, _block, "")) == ""
	count(_rules(text)) == count(regex.find_n(_block, plain, -1))
	_are_read(_rules(text))
}

_are_read(rules) if {
	every rule in rules {
		count(rule.capabilities) > 0
		every capability in rule.capabilities {
			regex.match(`^[a-z]+$`, capability)
		}
	}
}

_string := `"(?:[^"\\\n]|\\.)*"`

_block := sprintf(`(?:path|"path")\s+(%[1]s)\s*\{((?:[^{}"]|%[1]s|\{(?:[^{}"]|%[1]s)*\})*)\}`, [_string])

_without_comments(text) := regex.replace(text, sprintf(`(%s)|#[^\n]*|//[^\n]*|(?s:/\*.*?\*/)`, [_string]), "$1")

# None if they are written in a way that is not known here. `policy` is what Vault had before `capabilities`.
_capabilities(body) := [trim(each, `"`) |
	not regex.match(`\bpolicy"?\s*=`, body)
	some list in regex.find_all_string_submatch_n(`\bcapabilities"?\s*=\s*\[((?:\s*"[a-z]+"\s*,?)*)\s*\]`, body, -1)
	some each in regex.find_n(_string, list[1], -1)
]

# Roles.

_role_types := {"vault_jwt_auth_backend_role", "vault_kubernetes_auth_backend_role"}

_roles := [role |
	some resource in _planned(_role_types)
	after := resource.change.after
	some policy in object.get(after, "token_policies", [])
	startswith(policy, _prefix)
	role := {"resource": resource, "after": after, "unknown": object.get(resource.change, "after_unknown", {})}
]

_findings contains found if {
	some role in _roles
	some problem in _problems(role.resource.type, role.after)
	found := _told(role.resource, problem.rule, problem.text)
}

_unchecked contains found if {
	some role in _roles
	some name, unknown in role.unknown
	name in _judged
	unknown != false
	unknown != []
	found := _told(role.resource, "not-checked", sprintf("not checked: %s is known only after apply", [name]))
}

_unchecked contains found if {
	some resource in _planned(_role_types)
	object.get(object.get(resource.change, "after_unknown", {}), "token_policies", false) == true
	found := _told(resource, "not-checked", "not checked: token_policies is known only after apply")
}

_judged := {
	"audience",
	"bound_audiences",
	"bound_service_account_names",
	"bound_service_account_namespaces",
	"bound_subject",
	"token_max_ttl",
	"token_ttl",
}

_problems(type, after) := array.concat(_bound(type, after), array.concat(_long(after), _policy(after)))

_bound("vault_jwt_auth_backend_role", after) := [problem |
	some problem in [
		{"rule": "bound-subject", "text": "lets in more than one account: bound_subject is not system:serviceaccount:NAMESPACE:keyhole"},
		{"rule": "audience", "text": "takes tokens that were made for others: it has no bound_audiences"},
	]
	_jwt(problem.rule, after)
]

_bound("vault_kubernetes_auth_backend_role", after) := [problem |
	some problem in [
		{"rule": "bound-account", "text": "lets in other accounts: bound_service_account_names is not [\"keyhole\"]"},
		{"rule": "bound-namespace", "text": "lets in several namespaces: bound_service_account_namespaces is not one name"},
		{"rule": "audience", "text": "takes tokens that were made for others: it has no audience"},
	]
	_kubernetes(problem.rule, after)
]

_jwt("bound-subject", after) if {
	not regex.match(`^system:serviceaccount:[a-z0-9-]+:keyhole$`, _text(after, "bound_subject"))
	not _is_for_all(after)
}

_jwt("audience", after) if count(_list(after, "bound_audiences")) == 0

_kubernetes("bound-account", after) if _list(after, "bound_service_account_names") != ["keyhole"]

_kubernetes("bound-namespace", after) if {
	not _is_one_name(_list(after, "bound_service_account_namespaces"))
	not _is_for_all(after)
}

# One role for the accounts `keyhole` of all namespaces, with a policy that Vault puts the namespace into.
_is_for_all(after) if {
	every policy in after.token_policies {
		policy in subject.parameter("widePolicies", [])
	}
	_lets_in_every_keyhole(after)
}

_lets_in_every_keyhole(after) if {
	_text(after, "bound_subject") == ""
	after.bound_claims == {"/kubernetes.io/serviceaccount/name": "keyhole"}
}

_lets_in_every_keyhole(after) if after.bound_service_account_namespaces == ["*"]

_kubernetes("audience", after) if _text(after, "audience") == ""

_is_one_name(names) if {
	count(names) == 1
	regex.match(`^[a-z0-9-]+$`, names[0])
}

_long(after) := [problem |
	some name in ["token_ttl", "token_max_ttl"]
	seconds := _number(after, name)
	most := subject.parameter("mostTokenSeconds", 3600)
	_is_out_of_range(seconds, most)
	problem := {"rule": "ttl", "text": sprintf("gives tokens too long a life: %s is %d, and %d seconds are the most", [name, seconds, most])}
]

_policy(after) := [problem |
	some problem in [
		{"rule": "default-policy", "text": "gives tokens the default policy too: token_no_default_policy is not true"},
		{"rule": "other-policy", "text": "gives tokens other policies too: token_policies has more than one"},
	]
	_gives_more(problem.rule, after)
]

_gives_more("default-policy", after) if object.get(after, "token_no_default_policy", false) != true

_gives_more("other-policy", after) if count(after.token_policies) > 1

# Vault takes 0 for its own maximum, which is 32 days.
_is_out_of_range(seconds, most) if seconds > most

_is_out_of_range(0, _)

_text(after, name) := value if {
	value := after[name]
	is_string(value)
} else := ""

_list(after, name) := value if {
	value := after[name]
	is_array(value)
} else := []

_number(after, name) := value if {
	value := after[name]
	is_number(value)
} else := 0
