"""Argo CD in the tree: how it compares objects with Git, and what of them it is told to ignore.

Source: Argo CD's documentation, *Diff Customization* and *Diff Strategies*; docs/gitops.md says what was tried.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from review.findings.finding import Finding
from review.findings.rule import Severity
from review.lint.catalogue import DRIFTS, FIXED
from review.lint.objects import Manifest, named
from review.lint.uses import Spot, Use

_GROUP: Final = "argoproj.io"
_KINDS: Final = frozenset({"Application", "ApplicationSet"})
_OPTIONS: Final = "argocd.argoproj.io/compare-options"
_ON_THE_SERVER: Final = "ServerSideDiff=true"
_IN_PLACE: Final = "in place"  # manifests.fields.scan.Form, which most runs need not import
_SPECS: Final = (("spec",), ("spec", "template", "spec"))
_ANY: Final = "*"
# The paths of jq that a pointer can say as well; others cannot be judged here.
_JQ: Final = re.compile(r"""(?:\.[A-Za-z_][\w-]*|\.?\["[^"\\]*"\]|\[\d*\])+""")
_JQ_STEP: Final = re.compile(r"""\.(?P<name>[A-Za-z_][\w-]*)|\["(?P<quoted>[^"\\]*)"\]|\[(?P<index>\d*)\]""")
_FOR_EVER: Final = "if Argo CD applies this object, it shows it as OutOfSync for ever"
_FOR_SOME: Final = (
    "if Argo CD applies this object, versions before 3.3.14, 3.4.7 and 3.5.1 show it as OutOfSync again after each "
    f"refresh, in spite of {_ON_THE_SERVER}"
)


@dataclass(frozen=True, slots=True)
class _Ignored:
    """An entry of `ignoreDifferences`: for which objects, and the pointers that it leaves out, as segments."""

    spot: Spot
    group: str
    kind: str
    namespace: str
    name: str
    paths: Sequence[tuple[str, ...]]

    def hits(self, use: Use) -> bool:
        """Whether a change of this reference is among what is ignored."""
        wanted = use.wanted_by
        pairs = ((self.group, wanted.group), (self.kind, wanted.kind))
        if not all(said in {_ANY, actual} for said, actual in pairs):
            return False
        optional = ((self.namespace, wanted.namespace), (self.name, wanted.name))
        if any(said and actual and said != actual for said, actual in optional):
            return False
        return any(_begins(path, _segments_of(use)) for path in self.paths)


@dataclass(slots=True)
class ArgoCd:
    """What the Applications of a tree say about how they are compared."""

    applications: int = 0
    on_the_server: int = 0
    _ignored: list[_Ignored] = field(default_factory=list)

    def see(self, manifest: Manifest) -> None:
        """Take note of an object if it is Argo CD's."""
        if manifest.name.group != _GROUP or manifest.name.kind not in _KINDS:
            return
        self.applications += 1
        notes = [manifest.part(*path, "metadata", "annotations") for path in ((), ("spec", "template"))]
        options = [note.get(_OPTIONS) for note in notes]
        self.on_the_server += any(isinstance(each, str) and _ON_THE_SERVER in each for each in options)
        for spec in _SPECS:
            entries = manifest.part(*spec).get("ignoreDifferences")
            for number, entry in enumerate(entries if isinstance(entries, list) else ()):
                if isinstance(entry, dict):
                    self._ignored.append(_ignored(entry, manifest.spot((*spec, "ignoreDifferences", number))))

    def findings(self, uses: Sequence[Use]) -> Iterator[Finding]:
        """Yield the fields that drift, each once and in the order of the files, and ignored differences."""
        if not self.applications:
            return
        is_mild = self.on_the_server == self.applications
        for spot, form in {use.spot: use.form for use in uses if use.drifts}.items():
            why = "a reference stands in place of the value" if form == _IN_PLACE else "a field in a list is filled"
            finding = spot.finding(DRIFTS, f"{why}: {_FOR_SOME if is_mild else _FOR_EVER}")
            yield finding.told_as(Severity.NOTE) if is_mild else finding
        by_kind: dict[str, list[Use]] = {}
        for each in uses if self._ignored else ():
            by_kind.setdefault(each.wanted_by.kind, []).append(each)
        for entry in self._ignored:
            among = uses if entry.kind == _ANY else by_kind.get(entry.kind, ())
            use = next((use for use in among if entry.hits(use)), None)
            if use is not None:
                message = (
                    f"it ignores what a reference of {named(str(use.wanted_by))} is written in: another reference is no"
                    " difference then, and is not applied"
                )
                yield entry.spot.finding(FIXED, message)


def _ignored(entry: Mapping[str, Any], spot: Spot) -> _Ignored:
    said = [entry.get(name) for name in ("group", "kind", "namespace", "name")]
    group, kind, namespace, name = (each if isinstance(each, str) else "" for each in said)
    pointers = _texts(entry.get("jsonPointers"))
    paths = [_pointer(text) for text in pointers if text.startswith("/")]
    paths += [_jq(text.strip()) for text in _texts(entry.get("jqPathExpressions")) if _JQ.fullmatch(text.strip())]
    return _Ignored(spot, group, kind, namespace, name, [path for path in paths if path])


def _pointer(text: str) -> tuple[str, ...]:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def _jq(text: str) -> tuple[str, ...]:
    steps = (step["name"] or step["quoted"] or step["index"] or _ANY for step in _JQ_STEP.finditer(text))
    return tuple(steps)


def _segments_of(use: Use) -> tuple[str, ...]:
    segments = _pointer(use.spot.pointer)
    # What Git has as `stringData` the cluster has as `data`.
    return ("data", *segments[1:]) if segments[:1] == ("stringData",) else segments


def _begins(path: Sequence[str], segments: Sequence[str]) -> bool:
    pairs = zip(path, segments, strict=False)
    return len(path) <= len(segments) and all(said in {_ANY, actual} for said, actual in pairs)


def _texts(value: Any) -> Iterable[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
