"""What policies allow. The rules of priority are Vault's; tests/e2e/review compares them with a real one."""

import pytest

from review.policies.policy import Policy, Rule, together


def rules(*granted: tuple[str, str]) -> Policy:
    return Policy("p", [Rule(path, frozenset(capabilities.split())) for path, capabilities in granted])


@pytest.mark.parametrize(
    ("path", "matching", "others"),
    [
        ("secret/foo", ["secret/foo"], ["secret/foo/", "secret/foobar", "secret"]),
        ("secret/bar/*", ["secret/bar/", "secret/bar/zip", "secret/bar/zip/zap"], ["secret/bar", "secret/bars/zip"]),
        ("secret/zip-*", ["secret/zip-", "secret/zip-zap", "secret/zip-zap/zong"], ["secret/zip/zap"]),
        ("secret/+/teamb", ["secret/foo/teamb", "secret//teamb"], ["secret/foo/bar/teamb", "secret/teamb"]),
        ("secret/+/+/teamb", ["secret/foo/bar/teamb"], ["secret/foo/teamb"]),
        ("+/config", ["a/config"], ["config", "a/b/config"]),
        ("secret/+/db-*", ["secret/a/db-1", "secret/a/db-/x"], ["secret/db-1", "secret/a/db"]),
        ("secret/+/*", ["secret/a/", "secret/a/b/c"], ["secret/a"]),
        # A plus or a star within a segment is a character.
        ("secret/a+b", ["secret/a+b"], ["secret/axb"]),
        ("secret/+b/c", ["secret/+b/c"], ["secret/ab/c"]),
        ("secret/*/c", ["secret/*/c"], ["secret/a/c"]),
        ("*", ["", "a", "a/b"], []),
    ],
)
def test_which_paths_a_rule_is_about(path: str, matching: list[str], others: list[str]) -> None:
    rule = Rule(path, frozenset({"read"}))
    assert all(map(rule.matches, matching))
    assert not any(map(rule.matches, others))


@pytest.mark.parametrize(
    ("lower", "higher", "path"),
    [
        # The examples of Vault's page.
        ("secret/*", "secret/super-secret", "secret/super-secret"),
        ("secret/+/+/foo/*", "secret/*", "secret/a/b/foo/c"),
        # One for each line of "Priority matching".
        ("secret/+/bar/baz", "secret/foo/+/baz", "secret/foo/bar/baz"),
        ("secret/+", "secret/a*", "secret/ab"),
        ("secret/*", "secret/+", "secret/a"),
        ("secret/+/ba*", "secret/+/bar", "secret/foo/bar"),
        ("secret/+/+/baz", "secret/+/bar/baz", "secret/foo/bar/baz"),
        ("secret/+/b*", "secret/+/ba*", "secret/foo/bar"),
        ("secret/a*", "secret/ab*", "secret/abc"),
    ],
)
def test_which_rule_governs(lower: str, higher: str, path: str) -> None:
    """The other one counts for nothing, not even if it denies."""
    assert rules((lower, "deny"), (higher, "read")).allows(path, "read") is True
    assert rules((higher, "deny"), (lower, "read")).allows(path, "read") is False


def test_rules_with_one_path_add_up_and_deny_wins() -> None:
    both = together([rules(("secret/a", "read")), rules(("secret/a", "list"))])
    assert both.allows("secret/a", "read") is True
    assert both.allows("secret/a", "list") is True
    assert both.allows("secret/a", "delete") is False
    assert together([both, rules(("secret/a", "deny"))]).allows("secret/a", "read") is False
    assert rules(("secret/a", "read deny")).allows("secret/a", "read") is False


def test_what_no_rule_is_about_is_not_allowed() -> None:
    assert rules(("secret/data/a", "read")).allows("secret/metadata/a", "read") is False
    assert Policy("p", []).allows("a", "read") is False


def test_a_folder_is_listed_with_and_without_its_slash() -> None:
    assert rules(("secret/a", "list")).allows("secret/a/", "list") is True
    assert rules(("secret/+", "list")).allows("secret/a/", "list") is True
    assert rules(("secret/a", "read")).allows("secret/a/", "read") is False


class TestTemplates:
    OWN = "secret/data/{{identity.entity.aliases.auth_jwt_1.metadata.service_account_namespace}}/*"

    def test_what_a_template_may_decide_is_not_known(self) -> None:
        granted = rules(("secret/data/{{identity.entity.name}}/*", "read"))
        assert granted.allows("secret/data/shop/app", "read") is None
        assert granted.allows("other/data/shop/app", "read") is False
        assert granted.allows("secret/data/shop/app", "delete") is False, "whatever it stands for"

    def test_it_does_not_matter_where_something_else_decides(self) -> None:
        template = ("secret/data/{{identity.entity.name}}/*", "deny")
        assert rules(template, ("secret/data/shop/app", "read")).allows("secret/data/shop/app", "read") is True
        assert rules(template, ("secret/data/shop/*", "read")).allows("secret/data/shop/app", "read") is None
        exact = ("secret/data/{{identity.entity.name}}/app", "deny")
        assert rules(exact, ("secret/data/shop/app", "read")).allows("secret/data/shop/app", "read") is None

    @pytest.mark.parametrize("path", [OWN, OWN.replace("auth_jwt_1", "${data.vault_auth_backend.k.accessor}")])
    def test_the_namespace_of_the_identity_is_known(self, path: str) -> None:
        granted = rules((path, "read"))
        assert granted.in_namespace("shop").allows("secret/data/shop/app", "read") is True
        assert granted.in_namespace("pay").allows("secret/data/shop/app", "read") is False

    def test_an_expression_of_terraform_is_a_template(self) -> None:
        assert rules(("${var.mount}/data/a", "read")).allows("secret/data/a", "read") is None

    @pytest.mark.parametrize("path", ["%{if x}secret%{endif}/data/a", '${lookup({a = 1}, "a")}/data/a'])
    def test_so_are_its_directives_and_what_has_braces_of_its_own(self, path: str) -> None:
        assert rules((path, "deny"), ("secret/*", "read")).allows("secret/data/a", "read") is None

    @pytest.mark.parametrize(
        ("path", "is_known"),
        [
            ("secret/{{a}}/+/x", False),
            ("secret/{{a}}/+/y", True),
            ("secret/{{a}}+", False),
            ("secret/+/{{a}}", False),
            ("+{{a}}*", False),
            ("secret/{{a}}x{{b}}", False),
            ("secret/{{a}}x{{b}}x", True),
            ("{{a}}secret", True),
        ],
    )
    def test_it_may_be_anything_and_a_plus_has_no_slash(self, path: str, *, is_known: bool) -> None:
        assert (rules((path, "deny"), ("secret/*", "read")).allows("secret/data/a/x", "read") is True) is is_known

    def test_many_of_them_are_not_tried_in_every_way(self) -> None:
        # With one way after another this would take longer than anybody lives.
        granted = rules((f"secret/{'{{a}}+a/' * 100}{'{{a}}a' * 100}z", "read"))
        assert granted.allows(f"secret/{'a/a' * 400}", "read") is False


def test_a_condition_on_the_request_leaves_it_open() -> None:
    rule = Rule("secret/a", frozenset({"read"}), conditions=frozenset({"max_wrapping_ttl"}))
    assert Policy("p", [rule]).allows("secret/a", "read") is None
    assert Policy("p", [rule]).allows("secret/a", "delete") is False
