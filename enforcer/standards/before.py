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
    """An earlier report of the cluster of that name: when its run began, and its findings by their fingerprints.

    `has_ended` says whether that run came to its end; one that was killed at once knows of no finding.
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
    cluster, findings, started = content.get("cluster"), None, None
    try:
        started = datetime.fromisoformat(content["started"])
        findings = dict(_findings(content["standards"]))
    except _SHAPE:
        pass
    # Outside the handler: the error may quote the report.
    if not isinstance(cluster, str) or started is None or started.tzinfo is None or findings is None:
        raise NoReportError("it does not have what a report has; `keyhole report schema compliance` says what")
    return Before(cluster, started, content.get("ended") is not None, findings)


def _findings(standards: Any) -> Iterator[tuple[str, Known]]:
    for standard in standards:
        for part, is_told in (("findings", True), ("excepted", False)):
            for each in standard[part]:
                about = each["object"]
                name = ObjectName(*(_text(about[key]) for key in ("group", "kind", "namespace", "name")))
                known = Known(_text(standard["name"]), name, _text(each["message"]), is_told)
                yield _text(each["fingerprint"]), known


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError
    return given
