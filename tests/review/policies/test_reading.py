"""Policies from text: HCL, JSON and Terraform, and what is none."""

import json

import pytest

from provisioning.policy import Policy as OfTenant
from resolver.vault.mounts import KvLocation, KvMount
from review.policies.policy import Policy
from review.policies.reading import MOST_CHARACTERS, NotAPolicy, policy, terraform
from review.sources.text import NotChecked, Text

HCL = """\
# Read-only.
path "secret/data/shop/app" { # as Keyhole reads
  capabilities = [
    "read",  // and no more
    "list",
  ]
}
/* The form
   of before. */
path "/legacy/\\u0061"
{ policy = "read" }
path "secret/data/{{identity.entity.id}}/*" {
  capabilities        = ["update"]
  required_parameters = ["a"]
  allowed_parameters  = { "a" = [] }
}
"""


def read(text: str) -> Policy:
    return policy(Text("p.hcl", text), "p")


def nowhere(name: str) -> str:
    return f"{name} is nowhere"


def told(found: Policy) -> list[tuple[str, list[str], int]]:
    return [(rule.path, sorted(rule.capabilities), rule.place.line) for rule in found.rules]


def test_hcl_as_people_write_it() -> None:
    found = read(HCL)
    assert told(found) == [
        ("secret/data/shop/app", ["list", "read"], 2),
        ("legacy/a", ["list", "read"], 10),
        ("secret/data/{{identity.entity.id}}/*", ["update"], 12),
    ]
    assert [rule.conditions for rule in found.rules] == [frozenset(), frozenset(), frozenset({"required_parameters"})]
    assert told(read(HCL.replace("\n", "\r\n"))) == told(found)


def test_a_policy_without_rules_is_one() -> None:
    assert read("").rules == read("# nothing\n").rules == read('name = "p"\n').rules == []


def test_json_in_both_forms_of_vault() -> None:
    paths = {"secret/data/a": {"capabilities": ["read"]}, "b": {"policy": "deny"}}
    for form in (paths, [{path: rule} for path, rule in paths.items()]):
        text = json.dumps({"path": form}, indent=1)
        assert [each[:2] for each in told(read(text))] == [("secret/data/a", ["read"]), ("b", ["deny"])]
        assert read(text).rules[0].place.line > 1


def test_what_keyhole_tenant_writes_is_read_back() -> None:
    locations = [KvLocation(KvMount("secret", 2), 'shop/"odd" é'), KvLocation(KvMount("old", 1), "{namespace}/*")]
    found = read(OfTenant("keyhole-shop", "For a test.", locations, may_revoke_itself=True).hcl("accessor_1"))
    mine = found.in_namespace("shop")
    assert mine.allows('secret/data/shop/"odd" é', "read") is True
    assert mine.allows('secret/metadata/shop/"odd" é', "read") is True
    assert mine.allows("old/shop/x", "read") is True
    assert mine.allows("old/pay/x", "read") is False
    assert mine.allows("auth/token/revoke-self", "update") is True


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ('path "a" {', "p.hcl:1:11", "not HCL"),
        ("a [" * 3000, "p.hcl:1:3", "not HCL"),
        ("\0", "p.hcl:1:1", "not HCL"),
        ("\n" * MOST_CHARACTERS + "#", "p.hcl:1:1", "it is longer than 256 KiB"),
        ("x = 1\n", "p.hcl:1:1", "a policy has blocks `path` only, and here is x"),
        ('\nrule "a" {}\n', "p.hcl:2:1", 'a policy has blocks `path "…"` only, and here is rule'),
        ('path "a" "b" {}', "p.hcl:1:1", 'a policy has blocks `path "…"` only, and here is path'),
        ('path "a" { capabilities = "read" }', "p.hcl:1:1", "path a: capabilities are no list of texts"),
        ('path "a" { capabilities = [var.x] }', "p.hcl:1:1", "path a: capabilities are no list of texts"),
        (
            'path "a" { capabilities = ["red"] }',
            "p.hcl:1:1",
            "path a: a capability is none of create, delete, deny, list, patch, read, recover, subscribe, sudo, update",
        ),
        ('path "a" { policy = "rw" }', "p.hcl:1:1", "path a: policy is none of deny, read, write, sudo"),
        ('path "a" { capability = ["read"] }', "p.hcl:1:1", "path a: capability is no attribute of a path"),
        ('path "a" {\n policy = "deny"\n policy = "read"\n}', "p.hcl:3:11", "the attribute policy stands twice"),
        ('path "a/+*" {}', "p.hcl:1:1", "path a/+*: Vault refuses +*"),
        ('path "\\q" {}', "p.hcl:1:6", "an escape that HCL does not have"),
        ('path "\\ud800" {}', "p.hcl:1:6", "an escape that HCL does not have"),
        ('path "\\U00110000" {}', "p.hcl:1:6", "an escape that HCL does not have"),
        ('path "a" { capabilities = [read] }', "p.hcl:1:1", "path a: capabilities are no list of texts"),
        (
            f'path "a" {{ capabilities = {"[" * 5000}{"]" * 5000} }}',
            "p.hcl:1:1",
            "path a: capabilities are no list of texts",
        ),
        (
            f'path "a" {{ capabilities = {"(" * 5000}"x"{")" * 5000} }}',
            "p.hcl:1:1",
            "path a: capabilities are no list of texts",
        ),
        ('{"path": {"a": 1}}', "p.hcl:1:11", "a path is no JSON object"),
        ('{"path": 1}', "p.hcl:1:1", "it is no JSON object with `path`"),
        ('{"paths": {}}', "p.hcl:1:1", "it is no JSON object with `path`"),
        ('{"path": {"a": {}, "a": {"policy": "deny"}}}', "p.hcl:1:20", "a key stands twice in its map"),
        ('{"path": {"a": {"policy": "read", "policy": "deny"}}}', "p.hcl:1:35", "a key stands twice in its map"),
        ('{"path": {}', "p.hcl:1:12", "neither YAML nor JSON"),
    ],
)
def test_what_vault_would_not_take_says_where_and_why(text: str, where: str, reason: str) -> None:
    with pytest.raises(NotAPolicy) as raised:
        read(text)
    assert (str(raised.value.place), raised.value.reason) == (where, reason)


TERRAFORM = """\
resource "vault_policy" "indented" {
  name   = "keyhole-shop"
  policy = <<-EOT
    # Comments and all.
    path "secret/data/a" { capabilities = ["read"] }
  EOT
}
resource "vault_policy" "plain" {
  name   = "keyhole-pay"
  policy = <<EOT
path "${var.mount}/data/b" {
  capabilities = ["read"]
}
EOT
}
resource "vault_policy" "quoted" {
  name   = "quoted"
  policy = "path \\"c\\" { capabilities = [\\"read\\"] }\\n"
}
resource "vault_mount" "kv" { path = "secret" }
"""


def test_the_policies_of_terraform_are_told_where_their_rules_stand() -> None:
    found = [each for each in terraform(Text("t.tf", TERRAFORM), nowhere) if isinstance(each, Policy)]
    assert [(each.name, told(each)) for each in found] == [
        ("keyhole-shop", [("secret/data/a", ["read"], 5)]),
        ("keyhole-pay", [("${var.mount}/data/b", ["read"], 11)]),
        ("quoted", [("c", ["read"], 16)]),
    ]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ('name = var.x\n policy = ""', "the name of a vault_policy is an expression"),
        ('name = "keyhole-${var.x}"\n policy = ""', "the name of a vault_policy is an expression"),
        ('name = "x"\n policy = data.vault_policy_document.x.hcl', "the text of vault_policy x is an expression"),
        ('name = "x"\n policy = "${file("x.hcl")}"', "the text of vault_policy x is in x.hcl: x.hcl is nowhere"),
        ('name = "x"\n policy = file("x.hcl")', "the text of vault_policy x is in x.hcl: x.hcl is nowhere"),
        ('name = "x"\n policy = file("${var.x}.hcl")', "the text of vault_policy x is an expression"),
        ('name = "x"\n policy = file("x.hcl") == "" ? 1 : 2', "the text of vault_policy x is an expression"),
        (
            'name = "x"\n policy = templatefile("x.hcl", {}) == ")" ? 1 : 2',
            "the text of vault_policy x is an expression",
        ),
        ('name = "x"\n policy = "${file("x.hcl")}${file("y.hcl")}"', "the text of vault_policy x is an expression"),
        (
            'name = "x"\n policy = templatefile("x.hcl", {a = f(")")})',
            "the text of vault_policy x is in x.hcl: x.hcl is nowhere",
        ),
        ('name = "x"\n policy = ""\n count = var.x', "whether there is a vault_policy x is an expression"),
        ('name = x\n policy = ""', "the name of a vault_policy is an expression"),
        ('name = "x"', "the text of vault_policy x is an expression"),
        ('name = "x"\n policy = <<EOT\npath "a" {\nEOT\n', "not HCL"),
    ],
)
def test_what_terraform_makes_of_expressions_is_not_checked(attributes: str, reason: str) -> None:
    resources = f'resource "vault_policy" "x" {{\n {attributes}\n}}\nresource "vault_policy" "y" {{\n name = "y"\n'
    first, second = terraform(Text("t.tf", f'{resources} policy = ""\n}}\n'), nowhere)
    assert isinstance(first, NotChecked)
    assert first.reason == reason
    assert isinstance(second, Policy)


def test_no_text_of_a_file_is_told_but_paths_and_names() -> None:
    canary = "canary-91fe"
    for text in (
        f'path "a" {{ capabilities = ["{canary}"] }}',
        f'path "a" {{ policy = "{canary}" }}',
        f'path "a" {{ capabilities = ["read"] }} {canary} "',
        f'{{"path": {{"a": {{"capabilities": ["{canary}"]}}}}}}',
        f"name = {canary}\nx = {canary}\n",
    ):
        with pytest.raises(NotAPolicy) as raised:
            read(text)
        assert canary not in str(raised.value)
        assert raised.value.__context__ is None or canary not in str(raised.value.__context__)


def test_a_terraform_file_about_something_else_has_no_policies() -> None:
    assert not list(terraform(Text("t.tf", "this is { no HCL"), nowhere))
