"""The annotation `keyhole.dev/record`: which reference gave a field its value.

    {"v":1,"key":ID,"n":3,"fields":{POINTER:{"form":…,"ref":…,"versions":[…],"mac":…,"n":2}}}

`form` is "annotation", "in place", or "from" for the field of a whole secret. `key` is the id of the key that signed
the MACs. A field that was signed with another key has a `key` of its own. `ref` has the reference in an annotation, or
the one that a whole value in place consists of. For references inside a text in place, `spans` has [START, END,
REFERENCE] or [START, END, REFERENCE, PLACE]; `manifests.fields.spans` explains them. `versions` are Vault's, one for
each different reference, and null on KV v1. The JSON is compact and its names are sorted, so equal records are equal
texts. It contains no byte of a value from Vault. It contains whole references, since they must be able to fill the
field again, including the argument of `default`, which in place was part of the value.

`version` is the version of the kind in which the JSON Pointers are meant. Only kinds have it of which another version
may store the same field elsewhere.

`n` counts the changes of values; `manifests.provenance.counting` explains it. It is not under the MAC, and it decides
nothing but which workloads are restarted.

Members that this version does not know are kept: those of the record as long as it lives, those of a field as long as
its value stays. If they were dropped, two versions side by side would undo each other's work, and each dry run that the
older one answers would differ from what is stored. They are not under the MAC: whoever gives them a meaning must not
trust them. The policy behind the webhook finds a record's fields by their text, `"/data/KEY":{`: a new member must not
have the like in it, or the policy refuses the object.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from manifests.fields.scan import MAX_REFERENCES, Form
from manifests.fields.spans import Span
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference, parse_reference

_VERSION = 1
_RECORD_MEMBERS: Final = frozenset({"v", "key", "n", "version", "fields"})
_ENTRY_MEMBERS: Final = frozenset({"form", "ref", "spans", "versions", "mac", "key", "n"})
_MAX_MAC_CHARACTERS = 64
# A DNS label (RFC 1035), as Kubernetes wants it of the versions of a CustomResourceDefinition.
_VERSION_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
# Whatever reads JSON can read numbers up to this one exactly (RFC 8259, section 6).
MOST_CHANGES: Final = 2**53 - 1
# Python's own limit depends on how deep the caller already is: what is read here might not be written there.
_MOST_LEVELS: Final = 50
# Entries that are kept for fields without a reference count in addition to those with one.
_MOST_SPANS = 2 * MAX_REFERENCES
_WITHOUT_PLACE = 3
_PLACE = re.compile(r"|[0-9]{1,4}/(?:auth/(?:username|password)|username|password|auth|email|identitytoken)")
# Kubernetes' limit for all annotations of an object, names and values together (TotalAnnotationSizeLimitB), which it
# checks after admission.
MAX_ANNOTATION_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """What a record says about one field. `text` or `spans` has its references; `key` is the id of the MAC's key.

    `n` is the object's counter when the value last changed; None if nobody wrote that down. `more` has the members that
    this version does not know, as JSON. Neither is under the MAC.
    """

    form: Form
    text: str = ""
    spans: tuple[Span, ...] = ()
    versions: tuple[int | None, ...] = ()
    key: str = ""
    mac: str = ""
    n: int | None = None
    more: str = ""

    @property
    def source(self) -> str:
        """The form and the references as one text, which goes into the MAC."""
        return _compact(_source(self))

    @property
    def origins(self) -> tuple[str, list[Reference], tuple[int | None, ...]]:
        """What the value came from: two entries with equal ones are of the same references in the same versions."""
        return self.text, [span.reference for span in self.spans], self.versions


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read: its entries by JSON Pointer, and the malformed ones. Nothing in it is proved yet.

    `n` counts how often values of the object changed; 0 if that never happened. `version` is the version of the kind
    that the pointers are of; empty if they are the same in all. `more` has the members that this version of Keyhole
    does not know, as JSON.
    """

    key: str = ""
    entries: Mapping[str, Entry] = field(default_factory=dict)
    malformed: Sequence[str] = ()
    n: int = 0
    more: str = ""
    version: str = ""


def parse(text: str | None) -> Record:
    """Read a record. Malformed entries are left out, and their pointers are listed in `malformed`.

    Anybody can write a record, so no more spans are read than an object may have references. The rest is malformed.
    """
    if text is None:
        return Record()
    try:
        document = json.loads(text) if len(text) <= MAX_ANNOTATION_BYTES else None
    except (ValueError, RecursionError):
        document = None
    parts = document if isinstance(document, dict) else {}
    fields, key = parts.get("fields"), parts.get("key")
    if not isinstance(fields, dict) or not isinstance(key, str) or parts.get("v") != _VERSION:
        return Record(malformed=["the whole of it"])
    entries: dict[str, Entry] = {}
    malformed: list[str] = []
    left = _MOST_SPANS
    for pointer, source in fields.items():
        try:
            pointer.encode()
            left -= len(source.get("spans", ())) or 1
            entries[pointer] = _entry(source if left >= 0 else None, key)
        except (AttributeError, KeyError, TypeError, ValueError, ReferenceSyntaxError):
            malformed.append(pointer)
    try:
        more = _unknown(parts, _RECORD_MEMBERS)
    except ValueError:
        more = ""
        malformed.append("a member that is nested too deeply or is not Unicode")
    n = _changes(parts)
    if n is None and "n" in parts:
        malformed.append("n")
    version = parts.get("version")
    if not isinstance(version, str) or not _VERSION_NAME.fullmatch(version):
        malformed += ["version"] if "version" in parts else []
        version = ""
    return Record(key, entries, malformed, n or 0, more, version)


def dump(key: str, entries: Mapping[str, Entry], n: int = 0, more: str = "", version: str = "") -> str:
    """Return the text of a record with this counter, these unknown members and this version of the kind.

    Equal entries under the same key give equal bytes. A counter of 0 and an empty version are left out.
    """
    fields = {pointer: _document(entry, key) for pointer, entry in entries.items()}
    document: dict[str, Any] = {"v": _VERSION, "key": key, "fields": fields}
    if n:
        document["n"] = n
    if version:
        document["version"] = version
    return _compact(_with_unknown(document, more))


def _document(entry: Entry, key: str) -> Mapping[str, Any]:
    document = {**_source(entry), "versions": list(entry.versions), "mac": entry.mac}
    if entry.key != key:
        document["key"] = entry.key
    if entry.n is not None:
        document["n"] = entry.n
    return _with_unknown(document, entry.more)


def _source(entry: Entry) -> dict[str, Any]:
    if entry.spans:
        return {"form": entry.form.value, "spans": list(map(_span_document, entry.spans))}
    return {"form": entry.form.value, "ref": entry.text}


def _span_document(span: Span) -> list[Any]:
    document = [span.start, span.end, str(span.reference)]
    return [*document, span.place] if span.place else document


def _entry(source: Any, key: str) -> Entry:
    spans = tuple(_spans(source["spans"])) if "spans" in source else ()
    text = source["ref"] if not spans else ""
    versions, mac, own_key = source["versions"], source["mac"], source.get("key", key)
    if not all(isinstance(each, str) for each in (text, mac, own_key)) or len(mac) > _MAX_MAC_CHARACTERS:
        raise TypeError
    # JSON can contain halves of surrogate pairs, which could not be written back.
    f"{text}{mac}{own_key}".encode()
    if not isinstance(versions, list) or not all(each is None or _is_count(each) for each in versions):
        raise TypeError
    more = _unknown(source, _ENTRY_MEMBERS)
    return Entry(Form(source["form"]), text, spans, tuple(versions), own_key, mac, _changes(source), more)


def _spans(documents: Any) -> Iterator[Span]:
    if not isinstance(documents, list) or not documents:
        raise TypeError
    for document in documents:
        start, end, reference = document[:_WITHOUT_PLACE]
        place = document[_WITHOUT_PLACE] if len(document) > _WITHOUT_PLACE else ""
        if not _is_count(start) or not _is_count(end) or not _PLACE.fullmatch(place):
            raise TypeError
        yield Span(start, end, parse_reference(reference), place)


def _changes(document: Mapping[str, Any]) -> int | None:
    """Return the counter; None if there is none that Keyhole could have written."""
    n = document.get("n")
    return n if isinstance(n, int) and _is_count(n) and n <= MOST_CHANGES else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _unknown(document: Mapping[str, Any], known: Collection[str]) -> str:
    """Return the members with other names as JSON. Raises ValueError if they could not be written back."""
    unknown = {name: value for name, value in document.items() if name not in known}
    if not unknown:
        return ""
    if not _is_within(unknown, _MOST_LEVELS):
        raise ValueError
    text = _compact(unknown)
    # JSON can contain halves of surrogate pairs, which could not be written back.
    text.encode()
    return text


def _with_unknown(document: Mapping[str, Any], more: str) -> Mapping[str, Any]:
    return {**json.loads(more), **document} if more else document


def _is_within(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    parts = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_within(part, levels - 1) for part in parts)


def _compact(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
