"""The marker: the annotation `keyhole.dev/env-secret` of a pod template, and so of its pods.

It says which Secrets the variables come from, and whose they are. Its form is frozen: another one would be another
template, and roll every workload.
"""

import json
from dataclasses import dataclass
from typing import Final

from manifests.variables import names

MAX_CHARACTERS: Final = 256 * 1024
_MEMBERS: Final = frozenset({"for", "secret", "whole", "in-place"})


@dataclass(frozen=True, slots=True)
class Marker:
    """What a marker says.

    `workload` is `GROUP/KIND/NAME`, empty without a name. `secret` is the Secret for variables, `whole` the one that
    has whole secrets; either is empty if there is none. `in_place` has the variables that were written in place, as
    NAME for all containers or CONTAINER/NAME, in order.
    """

    workload: str = ""
    secret: str = ""
    whole: str = ""
    in_place: tuple[str, ...] = ()


def dump(marker: Marker) -> str:
    """Return the text of the annotation: compact JSON with sorted keys, without what is empty."""
    document: dict[str, object] = {"for": marker.workload}
    if marker.secret:
        document["secret"] = marker.secret
    if marker.whole:
        document["whole"] = marker.whole
    if marker.in_place:
        document["in-place"] = list(marker.in_place)
    return json.dumps(document, separators=(",", ":"), sort_keys=True)


def parse(text: str) -> Marker | None:
    """Read the annotation; None if Keyhole cannot have written it.

    What it names may be any workload and any Secret of the form that Keyhole gives them: whoever writes the template
    writes the marker too. `manifests.variables.generated` compares it with the annotations beside it.
    """
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "for" not in document or not document.keys() <= _MEMBERS:
        return None
    texts = [document.get(name, "") for name in ("for", "secret", "whole")]
    in_place = document.get("in-place", [])
    if not isinstance(in_place, list) or not all(isinstance(each, str) for each in [*texts, *in_place]):
        return None
    workload, secret, whole = texts
    if names.read_owner(workload) is None or not all(names.is_ours(name) for name in (secret, whole) if name):
        return None
    return Marker(workload, secret, whole, tuple(in_place)) if secret or whole else None
