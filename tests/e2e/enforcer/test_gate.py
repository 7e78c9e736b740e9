"""`gate-intact` on the release as the chart installed it, and on the same with one thing changed after another."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from enforcer.collecting.gate.collect import collect
from enforcer.collecting.gate.handshake import served
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts
from enforcer.facts.gate import GateFacts, ServedCertificate
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Held, NotChecked
from enforcer.judging.gate_intact import STANDARD, GateIntact
from resolver.deadline import Deadline
from review.findings.finding import Finding
from testbed import Testbed
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import wait_until_asked
from tests.e2e.enforcer.installed import Installed
from tests.enforcer.engine import STARTED

_ROOT = "/apis/admissionregistration.k8s.io/v1"
_WEBHOOK = f"{_ROOT}/mutatingwebhookconfigurations/keyhole"
_POLICY = f"{_ROOT}/validatingadmissionpolicies/keyhole"
_BINDING = f"{_ROOT}/validatingadmissionpolicybindings/keyhole"
_RECONCILER = f"{_ROOT}/validatingadmissionpolicybindings/keyhole-reconciler"


def gate(sources: Sources) -> GateFacts:
    found = collect(sources, Run(Deadline.after(60)), nothing_yet("test", STARTED))
    assert isinstance(found, GateFacts)
    return found


def of(facts: GateFacts) -> Inventory:
    return nothing_yet("test", STARTED).model_copy(update={"gate": facts, "cluster": ClusterFacts(namespaces=())})


def told(facts: GateFacts, **parameters: Any) -> list[Finding]:
    answers = list(STANDARD.judge(of(facts), GateIntact(certificate_days=0, **parameters)))
    assert not [answer for answer in answers if isinstance(answer, NotChecked)]
    return [answer for answer in answers if isinstance(answer, Finding)]


@pytest.fixture
def _put_right(bed: Testbed) -> Iterator[None]:
    """Put back, after a test, the objects that it changes or takes away."""
    before = [bed.kubernetes.request("GET", path).json() for path in (_WEBHOOK, _POLICY, _BINDING, _RECONCILER)]
    yield
    for document in before:
        metadata = {"name": document["metadata"]["name"], "labels": document["metadata"]["labels"]}
        kept = {name: part for name, part in document.items() if name != "status"}
        bed.kubernetes.request("DELETE", f"{_path(document)}/{metadata['name']}")
        apply(bed, {**kept, "metadata": metadata})
    wait_until_asked(bed)


def _path(document: Mapping[str, Any]) -> str:
    plural = {"ValidatingAdmissionPolicy": "validatingadmissionpolicies"}.get(
        document["kind"], f"{document['kind'].lower()}s"
    )
    return f"{_ROOT}/{plural}"


def test_the_release_as_it_was_installed_is_held(sources: Sources, release: Installed) -> None:
    facts = gate(sources)
    assert told(facts) == []
    assert facts.caller_mode == "aggregation"
    # Asked with the Enforcer's own rights. Here pods are processes.
    assert facts.pods == ()
    held = [str(answer.object) for answer in STANDARD.judge(of(facts), GateIntact()) if isinstance(answer, Held)]
    # The configuration, the APIService, ten policies with their bindings, and how the API server proves itself.
    assert len(held) == len(set(held)) > 15
    # The Service's name leads nowhere on this machine; the pod's own port is the same server.
    assert isinstance(facts.certificate, NotKnown)
    assert release


@pytest.mark.usefixtures("_put_right")
def test_what_somebody_changed_is_told_with_its_field(bed: Testbed, sources: Sources) -> None:
    kubernetes = bed.kubernetes
    patch = [
        {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"},
        {"op": "add", "path": "/webhooks/1/namespaceSelector/matchLabels/team", "value": "nobody"},
        {"op": "add", "path": "/webhooks/0/matchConditions/-", "value": {"name": "never", "expression": "false"}},
    ]
    json_patch = "application/json-patch+json"
    kubernetes.request("PATCH", _WEBHOOK, patch, content_type=json_patch).raise_for_status()  # type: ignore[arg-type]
    weaker = [{"op": "replace", "path": "/spec/validations/0/expression", "value": "true"}]
    kubernetes.request("PATCH", _POLICY, weaker, content_type=json_patch).raise_for_status()  # type: ignore[arg-type]
    warns = [{"op": "replace", "path": "/spec/validationActions", "value": ["Warn"]}]
    kubernetes.request("PATCH", _BINDING, warns, content_type=json_patch).raise_for_status()  # type: ignore[arg-type]
    kubernetes.request("DELETE", _RECONCILER).raise_for_status()
    assert {(str(finding.object), finding.pointer) for finding in told(gate(sources))} == {
        ("MutatingWebhookConfiguration keyhole", "/webhooks/0/failurePolicy"),
        ("MutatingWebhookConfiguration keyhole", "/webhooks/0/matchConditions/never"),
        ("MutatingWebhookConfiguration keyhole", "/webhooks/1/namespaceSelector/matchLabels/team"),
        ("ValidatingAdmissionPolicy keyhole", "/spec/validations/0/expression"),
        ("ValidatingAdmissionPolicyBinding keyhole", "/spec/validationActions/0"),
        ("ValidatingAdmissionPolicyBinding keyhole-reconciler", ""),
    }


def test_the_webhooks_certificate_is_seen_and_vouched_for(sources: Sources, release: Installed) -> None:
    facts = gate(sources)
    assert not isinstance(facts.services, NotKnown)
    (service,) = facts.services
    pem = base64.b64decode(service.content["spec"]["caBundle"])
    found = served("127.0.0.1", release.values["service"]["port"], pem, name="keyhole.keyhole.svc")
    assert isinstance(found, ServedCertificate)
    assert found.vouched, found.problem
    assert found.ends is not None
    assert found.ends > STARTED
