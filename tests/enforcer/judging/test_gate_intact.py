"""`gate-intact`: nothing of a release is told, and every field that somebody changed is."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enforcer.collecting.inventory import nothing_yet
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, Namespace
from enforcer.facts.gate import FilledKind, GateFacts, Registered, ServedCertificate
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked
from enforcer.judging.gate_intact import STANDARD, GateIntact
from enforcer.judging.gate_intact_parts.expected import kinds_of
from manifests.registration.admission_policy import admission_policy
from manifests.registration.api_service import api_service, client_config
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import images_policy
from manifests.registration.reconciler_policy import reconciler_policy
from manifests.registration.variables_policies import excluded_variables_policy, variables_policy
from manifests.registration.warning_policies import excluded_policy, look_alike_policy
from manifests.registration.webhook_configuration import aggregated_webhook_configuration, webhook_configuration
from review.findings.finding import Finding

STARTED = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
ENDS = STARTED + timedelta(days=60)
FIELDS = ("/spec/source/helm/values", "/spec/*/a")
KINDS = (
    FilledKind(group="", kind="ConfigMap", resource="configmaps", version="v1", fields=("/data/*",)),
    FilledKind(group="argoproj.io", kind="Application", resource="applications", version="v1alpha1", fields=FIELDS),
)
CERTIFICATE = ServedCertificate(address="keyhole.keyhole.svc:443", vouched=True, ends=ENDS)
_LISTS = {
    "MutatingWebhookConfiguration": "webhooks",
    "APIService": "services",
    "ValidatingAdmissionPolicy": "policies",
    "ValidatingAdmissionPolicyBinding": "bindings",
}


def release(*, variables: bool = True, further: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """Return what a release registers, as the API server has it."""
    kinds = kinds_of(KINDS)
    documents = [
        aggregated_webhook_configuration(kinds=kinds, variables=variables),
        api_service("keyhole", "keyhole", 8443, b"a CA"),
        *admission_policy(kinds=kinds),
        *excluded_policy(kinds=kinds),
        *look_alike_policy(kinds=kinds),
        *(variables_policy() if variables else ()),
        *(excluded_variables_policy() if variables else ()),
        *reconciler_policy(kinds=kinds),
        *further,
    ]
    return [with_defaults(copy.deepcopy(dict(document))) for document in documents]


def with_defaults(part: Any) -> Any:
    """Add what the API server adds."""
    if isinstance(part, list):
        return [with_defaults(each) for each in part]
    if not isinstance(part, dict):
        return part
    more: dict[str, Any] = {}
    if "clientConfig" in part or "resourceRules" in part:
        more = {"objectSelector": {}, "namespaceSelector": {}, "matchPolicy": "Equivalent"}
    if "apiVersions" in part:
        more = {"scope": "*"}
    return {**more, **{name: with_defaults(value) for name, value in part.items()}}


def inventory(documents: Sequence[Mapping[str, Any]], **facts: Any) -> Inventory:
    found: dict[str, Any] = {section: [] for section in _LISTS.values()}
    for document in documents:
        content = {name: part for name, part in document.items() if name not in {"apiVersion", "kind", "metadata"}}
        registered = Registered(kind=document["kind"], name=document["metadata"]["name"], content=content)
        found[_LISTS[document["kind"]]].append(registered)
    usual = {"name": "keyhole", "own_namespace": "keyhole", "kinds": KINDS, "certificate": CERTIFICATE}
    gate = GateFacts.model_validate({**usual, "caller_mode": "aggregation", **found, **facts})
    nobody = ClusterFacts(namespaces=())
    return nothing_yet("test", STARTED).model_copy(update={"gate": gate, "cluster": nobody})


def judged(facts: Inventory, **parameters: Any) -> list[Answer]:
    return list(STANDARD.judge(facts, GateIntact(**parameters)))


def told(facts: Inventory, **parameters: Any) -> list[tuple[str, str, str]]:
    answers = [answer for answer in judged(facts, **parameters) if not isinstance(answer, Held)]
    assert all(isinstance(answer, Finding) for answer in answers), answers
    return [(str(each.object), each.pointer, each.message) for each in answers if isinstance(each, Finding)]


@pytest.mark.parametrize("variables", [False, True])
@pytest.mark.parametrize("further", [(), images_policy(Action.WARN)[:2]])
def test_a_release_as_it_was_installed_is_held(*, variables: bool, further: Sequence[Mapping[str, Any]]) -> None:
    documents = release(variables=variables, further=further)
    answers = judged(inventory(documents))
    assert all(isinstance(answer, Held) for answer in answers), answers
    # Each object, how callers prove themselves, and the certificate.
    assert len(answers) == len(documents) + 2


def leaves(part: Any, pointer: str = "") -> Iterator[tuple[str, Any, str | int]]:
    """Yield each text, number and boolean with the map or list that it stands in."""
    members = part.items() if isinstance(part, dict) else enumerate(part)
    for name, value in members:
        if isinstance(value, dict | list):
            yield from leaves(value, f"{pointer}/{name}")
        elif name != "caBundle":
            yield f"{pointer}/{name}", part, name


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value} || true"


def test_each_field_that_is_changed_is_told_with_its_pointer() -> None:
    documents = release(further=images_policy(Action.DENY)[:2])
    count = 0
    for number, document in enumerate(documents):
        body = next(name for name in ("webhooks", "spec") if name in document)
        for pointer, holder, name in list(leaves(document[body], f"/{body}")):
            # The Service's port is the installation's.
            if pointer == "/spec/service/port":
                continue
            before = holder[name]
            holder[name] = changed(before)
            found = told(inventory(documents))
            holder[name] = before
            about = f"{document['kind']} {document['metadata']['name']}"
            assert found, (about, pointer)
            # A list whose entries have other names is told entry by entry.
            assert all(each[0] == about for each in found), (pointer, found)
            assert any(each[1].startswith(f"/{body}") for each in found), (pointer, found)
            count += 1
        assert told(inventory([*documents[:number], *documents[number + 1 :]])), document["metadata"]["name"]
    assert count > 200


@pytest.mark.parametrize(
    ("body", "change", "pointer", "message"),
    [
        (
            "webhooks",
            {"failurePolicy": "Ignore"},
            "/webhooks/0/failurePolicy",
            'is "Ignore", and the release has "Fail"',
        ),
        (
            "webhooks",
            {"objectSelector": {"matchLabels": {"a": "b"}}},
            "/webhooks/0/objectSelector",
            'is {"matchLabels": {"a": "b"}}, and the release has not there',
        ),
        ("webhooks", {"timeoutSeconds": 11}, "/webhooks/0/timeoutSeconds", "is 11, and the release has 10"),
        ("webhooks", {"rules": []}, "/webhooks/0/rules/0", "is not there, and the release has {"),
    ],
)
def test_a_finding_says_what_is_there_and_what_should_be(
    body: str, change: Mapping[str, Any], pointer: str, message: str
) -> None:
    documents = release(variables=False)
    documents[0][body][0].update(change)
    first, *_ = told(inventory(documents))
    assert first[:2] == ("MutatingWebhookConfiguration keyhole", pointer)
    assert first[2].startswith(f"{pointer} {message}")


def test_what_the_release_was_told_to_change_is_a_parameter() -> None:
    documents = release()
    for entry in documents[0]["webhooks"]:
        entry["timeoutSeconds"] = 5
    assert len(told(inventory(documents))) == 4
    assert not told(inventory(documents), timeout_seconds=5)
    without = [each for each in documents if not each["kind"].startswith("ValidatingAdmissionPolicy")]
    assert told(inventory(without), timeout_seconds=5)
    assert not told(inventory(without), timeout_seconds=5, policy=False, reconciler_policy=False, variables=True)
    assert told(inventory(release(variables=False)), variables=True)


def test_a_demand_that_is_wanted_has_to_be_there_with_its_action() -> None:
    assert told(inventory(release()), images="Deny")[0][2] == "it is missing"
    warns = inventory(release(further=images_policy(Action.WARN)[:2]))
    assert [each[:2] for each in told(warns, images="Deny")] == [
        ("ValidatingAdmissionPolicy keyhole-images", "/spec/failurePolicy"),
        ("ValidatingAdmissionPolicyBinding keyhole-images", "/spec/validationActions/0"),
    ]


class TestWhereTheApiServerGoes:
    def test_a_url_is_a_parameter(self) -> None:
        documents = release()
        documents[0] = dict(
            webhook_configuration("https://keyhole.example/mutate", b"", kinds=kinds_of(KINDS), variables=True)
        )
        facts = inventory([documents[0], *documents[2:]])
        unchecked = [answer for answer in judged(facts) if isinstance(answer, NotChecked)]
        assert len(unchecked) == 4
        assert unchecked[0].reason.startswith("/webhooks/0/clientConfig/url: where Keyhole is, is not known")
        assert not told(facts, url="https://keyhole.example/mutate")
        assert told(facts, url="https://other.example/mutate")[0][1] == "/webhooks/0/clientConfig/url"

    def test_the_service_has_to_be_the_releases(self) -> None:
        documents = release()
        for entry in documents[0]["webhooks"]:
            service = {"namespace": "keyhole", "name": "keyhole", "port": 443, "path": "/mutate"}
            entry["clientConfig"] = {"service": service, "caBundle": "YQ=="}
        facts = [documents[0], *documents[2:]]
        assert not told(inventory(facts))
        documents[0]["webhooks"][1]["clientConfig"]["service"]["namespace"] = "evil"
        assert [each[1] for each in told(inventory(facts))] == ["/webhooks/1/clientConfig/service/namespace"]

    def test_another_way_than_the_releases_is_told(self) -> None:
        documents = release()
        documents[0]["webhooks"][0]["clientConfig"] = {**client_config(), "url": "https://evil.example"}
        assert [answer for answer in judged(inventory(documents)) if not isinstance(answer, Held)]


@pytest.mark.parametrize("section", _LISTS.values())
def test_what_could_not_be_listed_is_not_checked_and_nothing_else(section: str) -> None:
    answers = judged(inventory(release(), **{section: NotKnown(not_known="no right to list")}))
    assert any(isinstance(answer, NotChecked) for answer in answers)
    assert not [answer for answer in answers if isinstance(answer, Finding)]


def test_without_a_gate_one_answer_says_why() -> None:
    facts = nothing_yet("test", STARTED)
    (answer,) = judged(facts)
    assert isinstance(answer, NotChecked)
    assert answer.reason == "the run has not come to it"


class TestCallers:
    def test_a_webhook_that_answers_anybody_is_told(self) -> None:
        ((about, pointer, message),) = told(inventory(release(), caller_mode="none"))
        assert (about, pointer) == ("Deployment keyhole/keyhole-webhook", "--caller-auth")
        assert "answers whoever reaches its port" in message

    def test_what_nobody_knows_is_not_checked(self) -> None:
        answers = judged(inventory(release(), caller_mode=NotKnown(not_known="there is no Deployment")))
        assert [answer.reason for answer in answers if isinstance(answer, NotChecked)] == [
            "how the API server proves itself: there is no Deployment"
        ]


class TestCertificate:
    def test_one_that_ends_soon_is_told(self) -> None:
        soon = CERTIFICATE.model_copy(update={"ends": STARTED + timedelta(days=6)})
        assert told(inventory(release(), certificate=soon))[0][2].startswith("the certificate ends on 2026-06-07;")
        assert not told(inventory(release(), certificate=soon), certificate_days=5)

    def test_one_that_the_bundle_does_not_vouch_for_is_told(self) -> None:
        other = ServedCertificate(address="a:1", vouched=False, problem="self-signed certificate")
        ((about, pointer, message),) = told(inventory(release(), certificate=other))
        assert (about, pointer) == ("Certificate a:1", "caBundle")
        assert message.endswith("does not vouch for the certificate: self-signed certificate")

    def test_one_that_was_not_seen_is_not_checked_unless_nobody_asks(self) -> None:
        facts = inventory(release(), certificate=NotKnown(not_known="cannot be reached"))
        assert [answer.reason for answer in judged(facts) if isinstance(answer, NotChecked)] == ["cannot be reached"]
        assert all(isinstance(answer, Held) for answer in judged(facts, certificate_days=0))


def test_a_namespace_that_opted_in_and_is_left_alone_is_told() -> None:
    names = ("kube-system", "keyhole", "shop")
    namespaces = tuple(Namespace(name=name, enabled=True, variables=False, objects=()) for name in names)
    facts = inventory(release()).model_copy(update={"cluster": ClusterFacts(namespaces=namespaces)})
    assert [about for about, _, _ in told(facts)] == ["Namespace kube-system", "Namespace keyhole"]
    unknown = inventory(release()).model_copy(update={"cluster": NotKnown(not_known="it was away")})
    assert [each.reason for each in judged(unknown) if isinstance(each, NotChecked)] == ["it was away"]


@pytest.mark.parametrize("content", [{"webhooks": 1}, {"webhooks": [1, None]}, {"webhooks": [{"clientConfig": 1}]}, {}])
def test_what_is_no_configuration_is_told_and_breaks_nothing(content: Mapping[str, Any]) -> None:
    documents = release()
    documents[0] = {"kind": "MutatingWebhookConfiguration", "metadata": {"name": "keyhole"}, **content}
    documents[1] = {**documents[1], "spec": 1}
    assert told(inventory(documents))
