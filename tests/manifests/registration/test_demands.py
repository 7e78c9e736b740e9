"""The policies for demands as documents. What they let through is tried on an API server, in tests/e2e/enforcer."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from manifests.fields import fields_map
from manifests.registration.demands.appliers import appliers_policy
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import images_policy
from manifests.registration.demands.plaintext import OTHER_BREAKS, PLAIN_MAP, SOURCE, plaintext_policy

Made = Callable[..., Sequence[Mapping[str, Any]]]
every_policy = pytest.mark.parametrize("made", [appliers_policy, plaintext_policy, images_policy])


@every_policy
@pytest.mark.parametrize(
    ("action", "failure_policy"), [(Action.DENY, "Fail"), (Action.WARN, "Ignore"), (Action.AUDIT, "Ignore")]
)
def test_only_a_policy_that_denies_refuses_what_it_cannot_judge(
    made: Made, action: Action, failure_policy: str
) -> None:
    policy, binding, _ = made(action)
    assert policy["spec"]["failurePolicy"] == failure_policy
    assert binding["spec"]["validationActions"] == [action.value]
    # Plain text, or YAML could not write it.
    assert type(binding["spec"]["validationActions"][0]) is str


@every_policy
def test_parameters_are_in_keyholes_own_namespace_and_their_lack_refuses(made: Made) -> None:
    policy, binding, parameters = made(Action.DENY, name="mine", own_namespace="platform")
    assert binding["spec"]["policyName"] == policy["metadata"]["name"] == "mine"
    assert parameters["metadata"] == {"name": "mine", "namespace": "platform"}
    assert binding["spec"]["paramRef"] == {**parameters["metadata"], "parameterNotFoundAction": "Deny"}
    assert policy["spec"]["paramKind"] == {"apiVersion": parameters["apiVersion"], "kind": parameters["kind"]}


@every_policy
def test_it_holds_where_somebody_opted_in_and_never_in_the_systems_namespaces(made: Made) -> None:
    policy, *_ = made(Action.DENY, own_namespace="platform")
    selector = policy["spec"]["matchConstraints"]["namespaceSelector"]
    assert selector["matchLabels"] == {"keyhole.dev/enabled": "true"}
    (excluded,) = selector["matchExpressions"]
    assert excluded["operator"] == "NotIn"
    assert {"kube-system", "platform"} <= set(excluded["values"])


@every_policy
def test_its_text_does_not_depend_on_its_parameters(made: Made) -> None:
    some = {
        appliers_policy: {"users": ["ann"], "groups": ["dev"], "service_accounts": ["flux/kustomize"]},
        plaintext_policy: {"types": ["a"], "names": ["b"], "keys": ["c"]},
        images_policy: {"registries": ["registry.example"]},
    }[made]
    policy, binding, parameters = made(Action.DENY, **some)
    assert (policy, binding) == tuple(made(Action.DENY)[:2])
    assert "".join(f"{text}\n" for text in next(iter(some.values()))) in parameters["data"].values()


@every_policy
def test_dry_runs_pass(made: Made) -> None:
    names = [condition["name"] for condition in made(Action.DENY)[0]["spec"]["matchConditions"]]
    assert names[:2] == ["stored", "not-being-deleted"]


def _sources(fields: str) -> list[str]:
    """Return what the policy takes for the sources of files, by its own expressions."""
    # RE2 names the two separators of Unicode by their categories.
    others = OTHER_BREAKS.replace(r"\p{Zl}", "\u2028").replace(r"\p{Zp}", "\u2029")
    if re.search(others, fields) or not re.search(PLAIN_MAP, fields):
        return []
    return [found.rpartition("key:")[2] for found in re.findall(SOURCE, fields)]


@pytest.mark.parametrize(
    "fields",
    [
        "/data/out: key:in",
        '"/data/out": "key:in"\n',
        "# a comment\n/data/a: vault:secret/app#p # why\n\n/data/out: key:in # a file\n",
        "/data/a: |\n  text ((vault:secret/app#p))\n  more\n/data/out: 'key:in'",
        "/data/a: 'it''s ((vault:secret/app#p))'\n/data/out: key:in",
    ],
)
def test_the_source_of_a_file_is_known(fields: str) -> None:
    assert fields_map.parse(fields)["/data/out"] == "key:in"
    assert _sources(fields) == ["in"]


@pytest.mark.parametrize(
    "fields",
    [
        "/data/a: vault:secret/app#p # key:in",
        "/data/a: vault:secret/app#key:in",
        "/data/a: x key:in ((vault:secret/app#p))",
        '/data/a: "((vault:secret/app#p))\n/data/b: key:in"',
        "/data/a: '((vault:secret/app#p))\n/data/b: key:in'",
        '/data/a:\n  "((vault:secret/app#p))\n/data/b: key:in"',
        '/data/c: x\r/data/a: "((vault:secret/app#p))\n/data/b: key:in"',
        '{"/data/a": "((vault:secret/app#p))\n/data/b: key:in"}',
        "/data/a: |\n  ((vault:secret/app#p))\n  /data/b: key:in",
    ],
)
def test_what_only_looks_like_a_source_excuses_no_value(fields: str) -> None:
    assert "key:in" not in fields_map.parse(fields).values()
    assert _sources(fields) == []
