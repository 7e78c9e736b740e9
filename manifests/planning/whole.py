"""Planning whole secrets (`keyhole.dev/from`). Their fields are not known before Vault was asked.

What the record proves is planned as usual: kept, or verified. Whether Vault has to be asked in any case, and what must
not fail, stands in the `WholePlan`. Once Vault has answered, `manifests.planning.expansion` plans the rest.

Whoever else fills a key wins: another annotation, a reference in place, or a value in the manifest that Keyhole did not
write.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from manifests import annotations
from manifests.fields.scan import Form, WantedField
from manifests.fields.texts import annotation_template
from manifests.fields.whole import WholePath, paths
from manifests.kinds.codec import Codec
from manifests.provenance.evidence import Evidence, sends_record
from manifests.provenance.mac import Verdict
from manifests.provenance.record import Entry
from resolver.references.errors import ReferenceSyntaxError

ORIGIN: Final = f"annotation {annotations.FROM}"
NOT_SHOWN: Final = (
    f"{ORIGIN}: a dry run does not ask Vault, so fields that it does not know yet are missing here; they are filled in "
    "when this is applied"
)
_OURS: Final = frozenset({Verdict.PROVED, Verdict.UNKNOWN_KEY})


@dataclass(frozen=True, slots=True)
class WholePlan:
    """The whole secrets that an object wants.

    `explicit` has the keys that something else fills. If it `is_settled`, the record has all there is to know until the
    next verification; else Vault has to be asked. If one of the `required` paths fails, so does the object; the fields
    of another stay as they are. `values_bytes` and `notes_bytes` are what everything else of the object takes of the
    room for values and for annotations.
    """

    paths: tuple[WholePath, ...]
    explicit: frozenset[str] = frozenset()
    is_settled: bool = False
    required: frozenset[WholePath] = frozenset()
    values_bytes: int = 0
    notes_bytes: int = 0


@dataclass(frozen=True)
class Whole:
    """What an object that was sent, and the live one, say about the fields of whole secrets.

    `taken` has the keys that references fill. `unchanged` is that of `plan_object`.
    """

    codec: Codec
    paths: tuple[WholePath, ...]
    sent: Evidence
    live: Evidence
    unchanged: Mapping[str, Verdict]
    taken: Collection[str]

    @cached_property
    def explicit(self) -> frozenset[str]:
        """The keys that something else fills."""
        own = {key for key, value in self.sent.values.items() if value is not None and not self._is_ours(key)}
        return frozenset(own | set(self.taken))

    @cached_property
    def known(self) -> Mapping[str, WantedField]:
        """The fields that a record has from one of the paths, by key.

        If they were filled earlier in this request, the live object no longer counts: a field may have gone.
        """
        found: dict[str, WantedField] = {}
        for evidence in (self.sent,) if self._is_asked_again else (self.live, self.sent):
            for key, entry in evidence.entries.items():
                is_known = self.live.verdict(key) in _OURS if evidence is self.live else self._is_sent_filled(key)
                if is_known and key not in self.explicit and self._path(key, entry) is not None:
                    found[key] = wanted_field(self.codec, key, entry.text)
        return found

    def plan(self) -> WholePlan:
        """Return what is planned, beside the known fields."""
        is_settled = self._is_settled_by_live() or self._is_settled_by_sent()
        notes = self.sent.notes
        return WholePlan(
            self.paths,
            self.explicit,
            is_settled,
            frozenset() if is_settled else self._required(),
            self.codec.other_bytes(self.sent.manifest or {}, self.sent.values.keys() - self.explicit),
            sum(len(name.encode()) + len(text.encode()) for name, text in notes.items() if name != annotations.RECORD),
        )

    def _is_settled_by_live(self) -> bool:
        """Whether the live object was filled from these paths, and nothing makes room for another field."""
        if self.live.manifest is None or self._paths_before != self.paths:
            return False
        is_freed = any(
            value is not None and key not in self.explicit and key not in self.known
            for key, value in self.live.values.items()
        )
        of_paths = [key for key, entry in self.live.entries.items() if entry.form is Form.FROM]
        return (
            bool(self.known)
            and not is_freed
            and all(self.live.verdict(key) is Verdict.PROVED for key in of_paths if key not in self.explicit)
        )

    @cached_property
    def _is_asked_again(self) -> bool:
        """Whether Keyhole filled the object earlier in this request, and another webhook changed it since."""
        manifest, text = self.sent.manifest, self.sent.record_text
        return bool(manifest and text) and text != self.live.record_text and not sends_record(manifest or {})

    def _is_settled_by_sent(self) -> bool:
        """Whether the object was filled from these paths earlier in this request."""
        entries = {key: self.sent.entries.get(key) for key in self.known}
        covered = {self._path(key, entry) for key, entry in entries.items() if entry is not None}
        return (
            self._is_asked_again
            and covered == set(self.paths)
            and all(self.sent.verdict(key) is Verdict.PROVED for key in self.known)
        )

    def _required(self) -> frozenset[WholePath]:
        is_filled = self.live.manifest is not None and any(
            self.live.verdict(key) is Verdict.PROVED for key in self.known
        )
        return frozenset(self.paths) - frozenset(self._paths_before if is_filled else ())

    @cached_property
    def _paths_before(self) -> tuple[WholePath, ...]:
        notes = self.live.notes
        try:
            return paths(notes[annotations.FROM]) if annotations.FROM in notes else ()
        except ReferenceSyntaxError:
            return ()

    def _is_ours(self, key: str) -> bool:
        """Whether Keyhole wrote the value that was sent, and may replace or remove it."""
        entry = self.live.entries.get(key)
        if entry is None or key not in self.unchanged:
            return self._is_sent_filled(key)
        return entry.form is Form.FROM or (
            entry.form is Form.ANNOTATION and self.unchanged[key] is Verdict.PROVED and key not in self.taken
        )

    def _is_sent_filled(self, key: str) -> bool:
        """Whether the sent record has the field from a path: a moment ago, or as a copy of another object."""
        entry = self.sent.entries.get(key)
        if entry is None or entry.form is not Form.FROM:
            return False
        is_copy = self.live.manifest is None and self._path(key, entry) is not None
        return is_copy or self.sent.verdict(key) is Verdict.PROVED

    def _path(self, key: str, entry: Entry) -> WholePath | None:
        """Return the path that gave the field; None if it is none of these."""
        return self._by_text.get(entry.text.removesuffix(key)) if entry.form is Form.FROM else None

    @cached_property
    def _by_text(self) -> Mapping[str, WholePath]:
        return {str(path.reference("x"))[:-1]: path for path in self.paths}


def wanted_field(codec: Codec, key: str, text: str) -> WantedField:
    """Return the field of a whole secret. `text` is the canonical reference to it."""
    template = annotation_template(codec, key, text)
    if template is None:  # pragma: no cover - it is a reference
        raise AssertionError
    return WantedField(codec, key, Form.FROM, ORIGIN, template, text)
