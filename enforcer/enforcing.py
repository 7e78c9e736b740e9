"""From facts to a report: each standard's judge is asked, and its answers are weighed by what the file says."""

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from enforcer.facts.base import is_known
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked
from enforcer.judging.catalogue import STANDARDS
from enforcer.judging.standard import Standard
from enforcer.report import Excepted, ExceptionState, Gone, Report, StandardsException, Unseen, Verdict
from enforcer.standards import exceptions
from enforcer.standards.before import Before
from enforcer.standards.chosen import Chosen, Exemption, Selector, StandardsFile
from review.findings.finding import Finding, ObjectName, told_apart
from review.findings.rule import Severity
from runtime.bugs import described

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Weighed:
    """The answers of one standard. A finding that is covered stands beside the exemption that covers it."""

    standard: Standard
    severity: Severity | None
    held: int = 0
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[NotChecked] = field(default_factory=list)
    covered: list[tuple[Finding, Exemption]] = field(default_factory=list)


def judged(
    inventory: Inventory,
    standards_file: StandardsFile,
    today: date,
    before: Before | None = None,
    *,
    cluster: str = "",
    standards: Sequence[Standard] = STANDARDS,
) -> Report:
    """Judge what was found. `today` decides about exceptions, `before` about what is new and gone.

    `cluster` is what the report calls it. Never raises for what is in the facts.
    """
    weighed = [_weighed(inventory, standard, standards_file, today) for standard in standards]
    stated = _states(standards_file.exemptions, weighed, today)
    verdicts = [_verdict(each, stated) for each in weighed]
    verdicts.append(_about_exceptions(standards_file.exemptions, stated, weighed, today))
    report = Report(
        inventory.tool, cluster, inventory.started, inventory.ended, verdicts, tuple(stated.values()),
        digest=standards_file.digest,
    )  # fmt: skip
    return report if before is None else _compared(report, before)


def unfinished(
    begun: Inventory,
    standards_file: StandardsFile,
    before: Before | None = None,
    *,
    cluster: str = "",
    standards: Sequence[Standard] = STANDARDS,
) -> Report:
    """Return the report of a run that has only begun, which is what stays if it is killed."""
    verdicts = []
    for standard in [*standards, exceptions.STANDARD]:
        severity = standards_file.about(standard).severity
        reason = [NotChecked(_itself(standard.rule.id), "the run has not ended")]
        verdicts.append(Verdict(standard, severity, 0, (), reason if severity is not None else ()))
    report = Report(begun.tool, cluster, begun.started, None, verdicts, digest=standards_file.digest)
    return report if before is None else _compared(report, before)


def _weighed(inventory: Inventory, standard: Standard, standards_file: StandardsFile, today: date) -> _Weighed:
    chosen = standards_file.about(standard)
    weighed = _Weighed(standard, chosen.severity)
    if chosen.severity is None:
        return weighed
    in_force = [each for each in standards_file.exemptions if each.until >= today]
    name = standard.rule.id
    for answer in _told_apart(_selected(_answers(inventory, standard, chosen), inventory, chosen.namespaces)):
        match answer:
            case Held():
                weighed.held += 1
            case NotChecked():
                weighed.unchecked.append(answer)
            case Finding():
                finding = answer.told_as(_severity(answer, standard, chosen.severity))
                covering = next((each for each in in_force if each.covers(name, finding)), None)
                if covering is None:
                    weighed.findings.append(finding)
                else:
                    weighed.covered.append((finding, covering))
    return weighed


def _answers(inventory: Inventory, standard: Standard, chosen: Chosen) -> Iterator[Answer]:
    """Ask the judge. One that a bug ends keeps no other one back, and what it has said so far counts."""
    name = standard.rule.id
    if is_known(inventory.cluster) and not _selects_any(inventory, chosen.namespaces):
        yield NotChecked(_itself(name), "its `namespaces` in the standards select no namespace that uses Keyhole")
    try:
        yield from standard.judge(inventory, chosen.parameters)
    except Exception as error:  # noqa: BLE001 - a bug in one judge must not take the report away
        _log.error("the judge of %s failed: %s", name, described(error))
        yield NotChecked(_itself(name), f"a bug in Keyhole: its judge failed with {type(error).__name__}")


def _itself(name: str) -> ObjectName:
    return ObjectName("keyhole", "Standard", "", name)


def _selects_any(inventory: Inventory, selector: Selector) -> bool:
    if not (selector.names or selector.labels) or not is_known(inventory.cluster):
        return True
    return any(selector.takes(each.name, each.labels) for each in inventory.cluster.namespaces)


def _selected(answers: Iterable[Answer], inventory: Inventory, selector: Selector) -> Iterator[Answer]:
    namespaces = inventory.cluster.namespaces if is_known(inventory.cluster) else ()
    labels: Mapping[str, Mapping[str, str]] = {each.name: each.labels for each in namespaces}
    for answer in answers:
        namespace = _namespace(answer.object)
        if not namespace or selector.takes(namespace, labels.get(namespace)):
            yield answer


def _told_apart(answers: Iterable[Answer]) -> Iterator[Answer]:
    """Number findings that are alike, as they come: fingerprints must differ."""
    waiting: list[Finding] = []
    for answer in answers:
        if isinstance(answer, Finding):
            waiting.append(answer)
        else:
            yield answer
    yield from told_apart(waiting)


def _severity(finding: Finding, standard: Standard, chosen: Severity) -> Severity:
    """Return how bad a finding is told. One that the judge has told as milder than its standard stays milder."""
    if finding.severity.rank <= standard.rule.severity.rank:
        return chosen
    return max(finding.severity, chosen, key=lambda severity: severity.rank)


def _states(exemptions: Sequence[Exemption], weighed: Sequence[_Weighed], today: date) -> dict[int, StandardsException]:
    """Return how each exemption stands, by its identity: the same entry may be in a file twice."""
    covers = Counter(id(exemption) for each in weighed for _, exemption in each.covered)
    return {
        id(each): StandardsException(
            each.standards, each.objects, each.until, each.owner, each.reason, each.ticket,
            _state(each, today), covers[id(each)],
        )
        for each in exemptions
    }  # fmt: skip


def _state(exemption: Exemption, today: date) -> ExceptionState:
    if exemption.until < today:
        return ExceptionState.ENDED
    return ExceptionState.ENDS_SOON if exemption.until <= today + exceptions.SOON else ExceptionState.IN_FORCE


def _verdict(weighed: _Weighed, stated: Mapping[int, StandardsException]) -> Verdict:
    excepted = [Excepted(finding, stated[id(exemption)]) for finding, exemption in weighed.covered]
    return Verdict(weighed.standard, weighed.severity, weighed.held, weighed.findings, weighed.unchecked, excepted)


def _about_exceptions(
    exemptions: Sequence[Exemption],
    stated: Mapping[int, StandardsException],
    weighed: Sequence[_Weighed],
    today: date,
) -> Verdict:
    """Judge the exceptions. One covers nothing only if all that it is for could be looked at."""
    open_ends = {each.standard.rule.id for each in weighed if each.unchecked or each.severity is None}
    findings: list[Finding] = []
    held = 0
    for each in exemptions:
        found = []
        if stated[id(each)].state is ExceptionState.ENDED:
            found = [exceptions.ended(each)]
        elif stated[id(each)].state is ExceptionState.ENDS_SOON:
            found = [exceptions.ends_soon(each, today)]
        elif not stated[id(each)].covers and open_ends.isdisjoint(each.standards):
            found = [exceptions.idle(each)]
        held += not found
        findings += found
    return Verdict(exceptions.STANDARD, exceptions.RULE.severity, held, list(told_apart(findings)), ())


def _compared(report: Report, before: Before) -> Report:
    told = {finding.fingerprint for finding in report.findings}
    known = told | {each.finding.fingerprint for verdict in report.verdicts for each in verdict.excepted}
    # By standard, the namespaces in which something was not checked. All of them, if it was outside namespaces.
    blind = {
        verdict.standard.rule.id: {_namespace(each.object) for each in verdict.unchecked}
        for verdict in report.verdicts
        if verdict.severity is not None
    }
    gone, unseen = [], []
    for fingerprint, earlier in before.findings.items():
        if not earlier.is_told or fingerprint in known or earlier.standard not in blind:
            continue
        if blind[earlier.standard].isdisjoint({"", _namespace(earlier.object)}):
            gone.append(Gone(fingerprint, earlier.standard, str(earlier.object), earlier.message))
        else:
            unseen.append(Unseen(fingerprint, earlier.standard, earlier.object, earlier.message))
    new = frozenset(told - before.findings.keys())
    return dataclasses.replace(report, since=before.started, new=new, gone=gone, unseen=unseen)


def _namespace(about: ObjectName) -> str:
    """Return the namespace in which something is, which a namespace itself is too; empty outside all of them."""
    return about.name if (about.group, about.kind) == ("", "Namespace") else about.namespace
