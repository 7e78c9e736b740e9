"""What of an object of a listed kind the reconciler may change. `tests/e2e/following/test_policy.py` has it judged."""

from collections.abc import Sequence

import pytest

from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.pointers import Pattern
from manifests.registration.reconciler_policy import reconciler_policy


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (["/**"], []),
        (["/spec/**"], ["Database objects but spec"]),
        (["/spec/*/password"], ["Database objects but spec"]),
        (["/spec/users/0/password"], ["Database objects but spec", "/spec of Database objects but users"]),
        (
            ["/spec/auth/password", "/spec/url"],
            [
                "Database objects but spec",
                "/spec of Database objects but auth, url",
                "/spec/auth of Database objects but password",
            ],
        ),
        (
            ["/spec/auth/password", "/spec/auth/**", "/data"],
            ["Database objects but data, spec", "/spec of Database objects but auth"],
        ),
        (["/spec/a~1b"], ["Database objects but spec", "/spec of Database objects but a/b"]),
    ],
)
def test_everything_stays_that_leads_to_no_field_of_the_list(fields: Sequence[str], told: Sequence[str]) -> None:
    kinds = Kinds([custom_resource("example.com", "Database", "databases", "v1", [Pattern(text) for text in fields])])
    *_, policy, _ = reconciler_policy(kinds=kinds)
    messages = [each["message"] for each in policy["spec"]["validations"]]
    begin = "keyhole-reconciler may change nothing of "
    assert [message.removeprefix(begin) for message in messages if message.startswith(begin)] == told
    assert policy["metadata"]["name"] == "keyhole-reconciler-databases.example.com"


def test_each_listed_kind_has_a_policy_of_its_own_and_secrets_have_none() -> None:
    assert len(reconciler_policy()) == 2
    *_, policy, binding = reconciler_policy(kinds=Kinds([CONFIG_MAP]))
    assert policy["metadata"]["name"] == binding["spec"]["policyName"] == "keyhole-reconciler-configmaps"
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["apiGroups"], rule["resources"]) == ([""], ["configmaps", "configmaps/*"])
