"""Puts findings right in the files where they are. Each edit is proved, and a file is written whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from review.findings.finding import Finding
from review.findings.fix import Fix
from review.lint.fixing.fixes import FIXABLE, fix_of
from review.sources import files
from review.sources.edits import Edit, NotProved, Put, Remove, edited
from review.sources.stream import Document, read_text
from review.sources.text import NotChecked, NotText, Text, decode
from review.sources.writing import NotWritten, write


@dataclass(slots=True)
class Fixing:
    """What became of the findings of some files. `failed` says of files why they were left as they were."""

    fixed: list[Finding] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def fix(findings: Sequence[Finding]) -> Fixing:
    """Put right what has one right answer, in the files that the findings name."""
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.rule.id in FIXABLE:
            by_file.setdefault(finding.place.file, []).append(finding)
    done = Fixing()
    for name, of_file in by_file.items():
        _file(name, of_file, done)
    return done


def _file(name: str, findings: Sequence[Finding], done: Fixing) -> None:
    path = Path(name)
    content = files.read(files.File(path, name))
    if isinstance(content, NotChecked):
        done.failed.append(f"{name}: {content.reason}")
        return
    try:
        text = Text(name, decode(content))
    except NotText as error:
        done.failed.append(f"{name}: {error.reason}")
        return
    result, fixed = text.content, list[Finding]()
    with_fix = list(_with_fix(text, findings))
    try:
        result = edited(text, _edits(with_fix))
        fixed = with_fix
    except NotProved:
        for finding in with_fix:
            # One by one, so that what cannot be proved keeps nothing else from being done.
            try:
                result = edited(text, _edits([*fixed, finding]))
                fixed.append(finding)
            except NotProved as error:
                done.failed.append(f"{finding.place}: {finding.rule.id}: {error.reason}")
    if result == text.content:
        return
    try:
        write(path, content, result)
    except NotWritten as error:
        done.failed.append(f"{name}: {error.problem}")
    else:
        done.fixed += fixed


def _with_fix(text: Text, findings: Sequence[Finding]) -> Iterator[Finding]:
    documents = [each for each in read_text(text) if isinstance(each, Document)]
    for finding in findings:
        found = fix_of(finding, documents)
        if found is not None:
            yield replace(finding, fix=found)


def _edits(findings: Sequence[Finding]) -> Mapping[int, Sequence[Edit]]:
    edits: dict[int, list[Edit]] = {}
    for finding in findings:
        if isinstance(finding.fix, Fix):
            edits.setdefault(finding.fix.document, []).extend(finding.fix.edits)
    return {document: _without_vain(of_document) for document, of_document in edits.items()}


def _without_vain(edits: Sequence[Edit]) -> Sequence[Edit]:
    """Leave out changes of what another finding has removed, which would bring it back."""
    removed = {edit.path for edit in edits if isinstance(edit, Remove)}
    return [edit for edit in edits if not (isinstance(edit, Put) and edit.path in removed)]
