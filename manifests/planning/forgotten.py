"""Entries of the record that are given up: which values go with them, and what the warnings say."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from manifests import annotations
from manifests.fields.scan import Form
from manifests.provenance.evidence import Evidence
from manifests.provenance.mac import Verdict

KEY_LOST: Final = "its record cannot be checked, because its key is lost, so the value stays as it is"
"""What a warning says of a field. The Enforcer looks for it in the answer to a dry run."""


def is_removable(live: Evidence, key: str, unchanged: Mapping[str, Verdict]) -> bool:
    """Whether a value goes together with its annotation: Keyhole wrote it, and nobody has changed it since."""
    return live.entries[key].form is not Form.IN_PLACE and unchanged.get(key) is Verdict.PROVED


def forgotten(
    sent: Evidence, live: Evidence, unchanged: Mapping[str, Verdict], wanted: Collection[str], retained: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return the keys whose values go with their annotations, and warnings about the entries that are given up.

    `wanted` has the keys that have a reference now, `retained` the JSON Pointers whose entries stay as they are.
    """
    removed: list[str] = []
    warnings: list[str] = []
    for key in sorted(live.entries.keys() - wanted):
        if live.codec.pointer(key) in retained:
            reason = KEY_LOST
        elif sent.stored(key) is None:
            # Removing the key from the manifest removes its reference as well.
            continue
        elif is_removable(live, key, unchanged):
            removed.append(key)
            continue
        else:
            reason = _reason(sent, live, key, is_unchanged=key in unchanged)
        warnings.append(f"{live.codec.described(key)}: {reason}")
    return removed, warnings


def _reason(sent: Evidence, live: Evidence, key: str, *, is_unchanged: bool) -> str:
    if live.verdict(key) is Verdict.FALSE and sent.stored(key) == live.stored(key):
        return "its record proves nothing and is removed"
    if live.entries[key].form is Form.FROM and annotations.FROM in sent.notes:
        return "it has a value of its own now, which counts more than the one from Vault"
    if live.entries[key].form is not Form.IN_PLACE:
        return "its annotation was removed, but the value stays, because it is not the one that Keyhole wrote"
    if is_unchanged:
        return f"{annotations.IGNORE} names it, so its value stays and its reference is forgotten"
    return "its value was changed by hand, so the reference that was there is forgotten"


def foreign(sent: Evidence, live: Evidence, wanted: Collection[str]) -> Iterator[str]:
    """Yield a warning for each entry that proves nothing: it was written by hand, or copied from another object."""
    malformed = {where for evidence in (sent, live) for where in evidence.record.malformed}
    yield from (f"{annotations.RECORD} {where} proves nothing here and is removed" for where in sorted(malformed))
    if sent.record_text == live.record_text:
        return
    for key, entry in sorted(sent.entries.items()):
        if sent.verdict(key) is Verdict.PROVED or key in live.entries or key in wanted:
            continue
        if entry.form is Form.IN_PLACE and sent.stored(key) is not None:
            yield (
                f"{sent.codec.described(key)}: its value was copied and its record proves nothing here, so it stays "
                "as it is; apply the reference to have it resolved again"
            )
        else:
            yield f"{annotations.RECORD} {sent.codec.pointer(key)} proves nothing here and is removed"
