"""The Secrets behind the variables of a pod: a function of the pod's annotations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from manifests.annotations import DATA_PREFIX, ENV_SECRET, FIELDS, FROM
from manifests.variables import marker, names, wanted
from resolver.references.characters import escape

_ORIGIN: Final = f"annotation {ENV_SECRET}"


@dataclass(frozen=True, slots=True)
class GeneratedSecret:
    """A Secret that a pod needs: its name, and the annotations from which the webhook fills it. It has nothing else."""

    name: str
    annotations: Mapping[str, str] = field(repr=False)


class MarkerMismatch(ValueError):
    """The marker of a pod names other Secrets than the annotations beside it give. `problem` quotes no values."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def generated(notes: Mapping[str, str]) -> Sequence[GeneratedSecret]:
    """Return the Secrets that the annotations of a pod ask for: none, one or two.

    Whoever writes a pod writes its marker too. A Secret's name is a hash of what fills it, and the marker has to name
    exactly that, so no pod can have another workload's Secret filled differently. Raises `MarkerMismatch`.
    """
    if ENV_SECRET not in notes:
        return ()
    found = marker.parse(notes[ENV_SECRET])
    owner = None if found is None else names.read_owner(found.workload)
    if found is None or owner is None:
        raise MarkerMismatch(f"{_ORIGIN}: is not as Keyhole writes it")
    asked = wanted.read(notes)
    if asked.problems:
        first = asked.problems[0]
        raise MarkerMismatch(f"{first.origin}: {first.message}")
    expected = marker_of(owner, asked, found.in_place)
    for named, right in ((found.secret, expected.secret), (found.whole, expected.whole)):
        if named != right:
            told = f"names the Secret {named or '(none)'}, and the annotations beside it are for {right or 'none'}"
            raise MarkerMismatch(f"{_ORIGIN}: {told}")
    return tuple(_secrets(expected, asked))


def marker_of(owner: names.Owner, asked: wanted.Wanted, in_place: tuple[str, ...] = ()) -> marker.Marker:
    """Return the marker for what a template asks for."""
    pairs = [(variable.key, variable.text) for variable in asked.variables]
    return marker.Marker(
        workload=str(owner),
        secret=names.secret_name(owner, pairs) if pairs else "",
        whole=names.whole_secret_name(owner, asked.paths) if asked.paths else "",
        in_place=tuple(sorted(in_place)),
    )


def _secrets(found: marker.Marker, asked: wanted.Wanted) -> Iterator[GeneratedSecret]:
    if found.secret:
        yield GeneratedSecret(found.secret, _annotations(asked.variables))
    if found.whole:
        yield GeneratedSecret(found.whole, {FROM: ",".join(asked.paths)})


def _annotations(variables: Sequence[wanted.Variable]) -> Mapping[str, str]:
    by_key = {variable.key: variable.text for variable in variables}
    plain = {f"{DATA_PREFIX}{key}": text for key, text in by_key.items() if names.is_annotation_name(key)}
    others = {key: text for key, text in by_key.items() if not names.is_annotation_name(key)}
    if others:
        # Keys of a Secret have nothing to escape in a JSON Pointer.
        plain[FIELDS] = "".join(f"{_quoted(f'/data/{key}')}: {_quoted(text)}\n" for key, text in sorted(others.items()))
    return dict(sorted(plain.items()))


def _quoted(text: str) -> str:
    """Return a text as a double-quoted scalar of YAML on one line, which any parser reads as the same string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if " " <= one <= "~" else escape(one) for one in plain) + '"'
