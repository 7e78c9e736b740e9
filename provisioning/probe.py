"""Does Keyhole answer? Sends the API server a Secret with a reference as a dry run, and judges the answer.

The reference leads nowhere and is never followed: a dry run asks no Vault. In a namespace that did not opt in, and of a
requester who may not read the Secret, Keyhole refuses it, and that is its answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from kube.registration.dry_runs import DryRun
from manifests.annotations import DATA_PREFIX
from manifests.kinds.secret import SECRET
from manifests.registration.webhook_configuration import ANNOTATIONS_ENTRY

_KEY: Final = "probe"
ANNOTATIONS: Final[Mapping[str, str]] = {f"{DATA_PREFIX}{_KEY}": "vault:keyhole/probe#probe"}
_DENIED: Final = f'admission webhook "{ANNOTATIONS_ENTRY}" denied the request: '
_NOT_ASKED: Final = (
    "the API server asked nobody: there is no webhook configuration, or it leaves this namespace out, as it does with "
    "Keyhole's own and the system's"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether Keyhole answered. `told` says what happened, `may_pass` whether that may change soon."""

    answers: bool
    told: str
    may_pass: bool = False


def judge(seen: DryRun) -> Verdict:
    """Return what a dry run with `ANNOTATIONS` shows."""
    if seen.status < HTTPStatus.BAD_REQUEST:
        if seen.data.get(_KEY) == SECRET.encode(SECRET.placeholder(_KEY)):
            return Verdict(True, "Keyhole answered: it showed what a dry run shows in place of a value")
        # A configuration takes a moment to come into use.
        return Verdict(False, _NOT_ASKED, may_pass=True)
    if _DENIED in seen.message:
        told = seen.message.partition(_DENIED)[2]
        # 403 is a decision; with anything else Keyhole says that it cannot decide.
        if seen.status == HTTPStatus.FORBIDDEN:
            return Verdict(True, f"Keyhole answered, and refused the probe as it should: {told}")
        return Verdict(False, f"Keyhole answered that it cannot work: {told}", may_pass=True)
    words = seen.message or f"status {seen.status}"
    if seen.status == HTTPStatus.FORBIDDEN:
        # A right takes a moment to come into effect.
        return Verdict(False, f"the probe may not ask: {words}", may_pass=True)
    return Verdict(False, f"the API server got no answer of Keyhole: {words}", may_pass=True)
