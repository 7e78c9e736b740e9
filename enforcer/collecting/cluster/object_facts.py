"""One object as facts: what its annotations and its record say, and who wrote what. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from enforcer.facts.cluster import ClusterObject, FilledField, Writer
from kube.checking.described import Described
from kube.checking.managers import Manager
from manifests import annotations
from manifests.fields.asked_for import AskedFor, asked_for
from manifests.fields.files import PREFIX
from manifests.fields.scan import Form
from manifests.following.followed import recorded_field, told
from manifests.kinds.codec import Codec
from manifests.provenance import record
from manifests.provenance.record import Record
from resolver.references.characters import named

_WHOLE: Final = ""
# What a short text takes beside its characters, in CPython.
_BYTES_A_TEXT: Final = 56


def cluster_object(codec: Codec, found: Described) -> ClusterObject:
    """Return the facts of an object. Whether its record is proved is not among them yet."""
    metadata = found.metadata
    return with_annotations(
        codec,
        ClusterObject(
            group=codec.group,
            kind=codec.kind,
            namespace=metadata.name.namespace,
            name=metadata.name.name,
            uid=metadata.uid,
            type=found.type,
            keys=found.keys,
            created=found.created,
            writers=None if found.managers is None else tuple(map(_writer, found.managers)),
        ),
        metadata.annotations,
    )


def with_annotations(codec: Codec, facts: ClusterObject, notes: Mapping[str, str]) -> ClusterObject:
    """Return the facts of the same object in a state in which it has these annotations."""
    asked = asked_for(codec, notes)
    recorded = record.parse(notes.get(annotations.RECORD))
    return facts.model_copy(
        update={
            "record": annotations.RECORD in notes,
            "fields": tuple(_fields(codec, recorded)),
            "wants": _wants(asked),
            "unfilled": tuple(sorted(_unfilled(asked, recorded))),
            "malformed": asked.malformed,
            "unknown": asked.unknown,
        }
    )


def size_bytes(facts: ClusterObject) -> int:
    """Return how much memory an object's texts take, about."""
    writers = facts.writers or ()
    texts = [*facts.unfilled, *facts.malformed, *facts.unknown, *facts.wants, *facts.wants.values()]
    texts += [name for writer in writers for name in (*writer.keys, *writer.annotations)]
    for field in facts.fields:
        texts += (field.pointer, field.reference, *field.versions)
    return sum(map(len, texts)) + _BYTES_A_TEXT * len(texts)


def references(facts: ClusterObject) -> int:
    """Return how many references the record and the annotations have, about: reading them is what takes time."""
    return sum(len(field.versions) for field in facts.fields) + len(facts.wants) + len(facts.unfilled)


def _fields(codec: Codec, recorded: Record) -> Iterable[FilledField]:
    for pointer, entry in sorted(recorded.entries.items()):
        field = recorded_field(codec, pointer, entry)
        if field is None:
            continue
        versions: dict[str, int | None] = {}
        following: set[str] = set()
        for reference, version in zip(field.references, entry.versions, strict=True):
            path = f"{reference.connection}:{reference.path}"
            if reference.version is None:
                following.add(path)
                versions[path] = version
            else:
                versions.setdefault(path, version)
        pinned = tuple(sorted(versions.keys() - following))
        yield FilledField(pointer=pointer, reference=told(field.references), versions=versions, pinned=pinned)


def _wants(asked: AskedFor) -> dict[str, str]:
    wants = {
        pointer: told(wanted.template.references) for pointer, wanted in asked.fields.items() if wanted is not None
    }
    wants.update({pointer: f"{PREFIX}{named(source)}" for pointer, source in asked.files.items()})
    if asked.whole:
        wants[_WHOLE] = ", ".join(sorted(map(str, asked.whole)))
    return wants


def _unfilled(asked: AskedFor, recorded: Record) -> Iterable[str]:
    """Yield the pointers of the fields that no entry is about. What an entry says of another reference is not judged.

    An entry that cannot be read is about its field too: that it proves nothing shows when it is tried.
    """
    about = {*recorded.entries, *recorded.malformed}
    if not recorded.entries and recorded.malformed:
        return
    yield from asked.pointers - about
    # Of several whole secrets, one may have no field that nothing else fills.
    if asked.whole and not any(entry.form is Form.FROM for entry in recorded.entries.values()):
        yield _WHOLE


def _writer(manager: Manager) -> Writer:
    ours = tuple(name for name in manager.annotations if annotations.is_ours(name))
    return Writer(
        manager=manager.name,
        operation=manager.operation,
        subresource=manager.subresource,
        time=manager.time,
        keys=manager.keys,
        annotations=ours,
    )
