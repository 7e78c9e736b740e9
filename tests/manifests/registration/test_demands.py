"""The policies for demands as documents. What they let through is tried on an API server, in tests/e2e/enforcer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from manifests.registration.demands.appliers import appliers_policy
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import images_policy
from manifests.registration.demands.plaintext import plaintext_policy

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
