package keyhole.inventory_test

import rego.v1

import data.keyhole.inventory

_object(content) := object.union({"group": "", "kind": "Secret", "namespace": "shop", "name": "app", "proof": "proved"}, content)

_namespace(name, objects) := {"name": name, "enabled": true, "objects": objects}

_inventory(namespaces) := {
	"version": "keyhole.dev/inventory/v1",
	"ended": "2026-11-28T02:00:00Z",
	"cluster": {"namespaces": namespaces},
}

_field(paths) := {"fields": [{"pointer": "/data/a", "reference": "vault:x", "versions": {path: 1 | some path in paths}}]}

_messages := {found.msg | some found in inventory.deny}

test_a_good_inventory if {
	_messages == set() with input as _inventory([_namespace("shop", [_object(_field(["default:secret/shop/app"]))])])
	inventory.warn == set() with input as _inventory([_namespace("shop", [])])
}

test_what_is_used if {
	wants := {"wants": {"/data/b": "x ((vault+eu:secret/b c#d | trim)) ((vault:kv/e#f))", "/data/c": "key:c.tmpl", "": "vault:secret/w%20hole, vault+eu:kv/z+1"}}
	namespaces := [
		_namespace("shop", [_object(_field(["default:secret/shop/app", "eu:kv/x"])), _object(wants)]),
		_namespace("bank", {"not_known": "forbidden"}),
		_namespace("empty", []),
		object.union(_namespace("part", []), {"unread": [{"kind": "Secret", "not_known": "large"}]}),
	]
	inventory.used == {"shop": ["kv/e", "kv/x", "kv/z+1", "secret/b c", "secret/shop/app", "secret/w hole"], "empty": []} with input as _inventory(namespaces)
}

test_nothing_is_said_of_what_is_not_known if {
	not inventory.used with input as _inventory({"not_known": "away"})
	not inventory.used with input as {"version": "other", "cluster": {"namespaces": []}}
	_messages == {"cluster: not checked: the API server is away (not-checked)"} with input as object.union(
		_inventory([]),
		{"cluster": {"not_known": "the API server is away"}},
	)
}

test_findings if {
	changed := _inventory([_namespace("shop", [_object({"proof": "changed"})])])
	_messages == {"Secret shop/app: its record does not prove its values (records-proved)"} with input as changed
	unfilled := _inventory([_namespace("shop", [_object({"unfilled": ["/data/a"]})])])
	_messages == {"Secret shop/app: no value stands where a reference asks for one: /data/a (nothing-unresolved)"} with input as unfilled
}

test_not_checked_at_any_depth if {
	unknown := _inventory([_namespace("shop", [_object({"proof": {"not_known": "the webhook is away"}})])])
	_messages == {"cluster/namespaces/0/objects/0/proof: not checked: the webhook is away (not-checked)"} with input as unknown
	inventory.warn == set() with input as unknown
	allowed := {"allowUnchecked": true}
	_messages == set() with input as unknown with data.keyhole.parameters as allowed
	count(inventory.warn) == 1 with input as unknown with data.keyhole.parameters as allowed
	_messages == {"not checked: the run has not ended (not-checked)"} with input as object.union(_inventory([]), {"ended": null})
}

test_shared_paths if {
	shared := _inventory([_namespace(name, [_object(_field(["default:secret/base"]))]) | some name in ["shop", "bank"]])
	{found.msg | some found in inventory.warn} == {"secret/base is read by the namespaces bank, shop (shared-path)"} with input as shared
	own := _inventory([_namespace("shop", [_object(_field(["default:secret/base"]))])])
	inventory.warn == set() with input as own
	inventory.warn == set() with input as shared with data.keyhole.parameters as {"sharedPaths": ["secret/base"]}
}

test_what_is_no_inventory if {
	_messages == set() with input as {"kind": "Secret", "ended": null}
	other := object.union(_inventory([_namespace("shop", [_object({"proof": "changed", "a": {"not_known": "x"}})])]), {"version": "v0"})
	_messages == set() with input as other
}
