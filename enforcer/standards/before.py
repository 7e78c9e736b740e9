"""What an earlier report had, to tell what is new and what is gone. It is the JSON of `keyhole.dev/compliance/v1`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from review.findings.finding import ObjectName

_VERSION: Final = "keyhole.dev/compliance/v1"
_SHAPE: Final = (AttributeError, KeyError, TypeError, ValueError)


class NoReportError(ValueError):
    """A text that is no report which can be compared with. `problem` says why, and quotes nothing of it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Known:
    """A finding of the earlier report. `is_told` says that no exception covered it."""

    standard: str
    object: ObjectName
    message: str
    is_told: bool


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier report of the cluster of that name, and its findings by their fingerprints.

    To them belong those of a report before it whose objects it could not look at. `started` is when its run began; of a
    run that has not ended (`has_ended`) it is when the run began that it was to be compared with.
    """

    cluster: str
    started: datetime
    has_ended: bool
    findings: Mapping[str, Known]


def parse(text: str) -> Before:
    """Read an earlier report. Raises `NoReportError`."""
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise NoReportError("it is not JSON") from None
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        raise NoReportError(f"it has no version {_VERSION}")
    cluster, findings, started, has_ended = content.get("cluster"), None, None, False
    try:
        has_ended = content["ended"] is not None
        started = datetime.fromisoformat(
            content["started"] if has_ended else content.get("since") or content["started"]
        )
        findings = {**dict(_unseen(content.get("unseen", []))), **dict(_findings(content["standards"]))}
    except _SHAPE:
        pass
    # Outside the handler: the error may quote the report.
    if not isinstance(cluster, str) or started is None or started.tzinfo is None or findings is None:
        raise NoReportError("it does not have what a report has; `keyhole report schema compliance` says what")
    return Before(cluster, started, has_ended, findings)


def _findings(standards: Any) -> Iterator[tuple[str, Known]]:
    for standard in standards:
        for part, is_told in (("findings", True), ("excepted", False)):
            for each in standard[part]:
                yield _known(each, standard["name"], is_told=is_told)


def _unseen(findings: Any) -> Iterator[tuple[str, Known]]:
    for each in findings:
        yield _known(each, each["standard"], is_told=True)


def _known(finding: Any, standard: Any, *, is_told: bool) -> tuple[str, Known]:
    about = finding["object"]
    name = ObjectName(*(_text(about[key]) for key in ("group", "kind", "namespace", "name")))
    return _text(finding["fingerprint"]), Known(_text(standard), name, _text(finding["message"]), is_told)


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError
    return given
