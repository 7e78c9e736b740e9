"""What a dry run tells about whether Keyhole answers."""

import base64

import pytest

from kube.registration.dry_runs import DryRun
from manifests.kinds.codec import MARKER
from provisioning.probe import judge

DENIED = 'admission webhook "annotations.keyhole.dev" denied the request: '


@pytest.mark.parametrize(
    ("seen", "answers", "may_pass", "told"),
    [
        pytest.param(
            DryRun(403, f"{DENIED}NamespaceNotEnabled: the object"),
            *(True, False, "refused the probe as it should: NamespaceNotEnabled"),
            id="a refusal by Keyhole is its answer",
        ),
        pytest.param(
            DryRun(200, data={"probe": base64.b64encode(MARKER.encode()).decode()}),
            *(True, False, "in place of a value"),
            id="a placeholder is too",
        ),
        pytest.param(
            DryRun(503, f"{DENIED}RecordKeyUnavailable: no key"),
            *(False, True, "cannot work: RecordKeyUnavailable"),
            id="without its key it answers and does not work",
        ),
        pytest.param(DryRun(201), *(False, True, "asked nobody"), id="an object that went by was shown to nobody"),
        pytest.param(
            DryRun(200, data={"probe": base64.b64encode(b"text").decode()}),
            *(False, True, "asked nobody"),
            id="what somebody else filled in is no answer",
        ),
        pytest.param(
            DryRun(500, 'failed calling webhook "annotations.keyhole.dev": no endpoints'),
            *(False, True, "got no answer of Keyhole: failed calling webhook"),
            id="nobody at the Service",
        ),
        pytest.param(
            DryRun(403, 'admission webhook "other.example" denied the request: no'),
            *(False, True, "the probe may not ask: admission webhook"),
            id="a refusal by another webhook says nothing",
        ),
        pytest.param(
            DryRun(403, 'secrets "keyhole-probe" is forbidden: User "nobody" cannot patch'),
            *(False, True, "the probe may not ask: secrets"),
            id="a right that is missing",
        ),
        pytest.param(DryRun(404), *(False, True, "got no answer of Keyhole: status 404"), id="no namespace, no words"),
    ],
)
def test_a_verdict(seen: DryRun, told: str, *, answers: bool, may_pass: bool) -> None:
    verdict = judge(seen)
    assert (verdict.answers, verdict.may_pass) == (answers, may_pass)
    assert told in verdict.told
