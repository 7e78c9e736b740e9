"""The board *Compliance and changes*: whether the standards are met, and who changes what."""

from typing import Final

from metrics.admission_catalogue import APPLIERS, FIELDS, REFUSALS
from metrics.boards.asking import aggregated, of, one, per_second
from metrics.boards.panel import RUNBOOK, Board, Colour, Form, Panel, Query, Row, Unit
from metrics.boards.stats import DOUBT, TROUBLE, is_true, stat
from metrics.catalogue import AUDIT_BEGUN, AUDIT_FAILURES, CALLER_MODE, CALLER_REFUSALS, CONNECTIONS_RELOADS
from metrics.enforcer_catalogue import (
    COMPLIANCE_EXCEPTIONS_ENDING,
    COMPLIANCE_FINDINGS,
    COMPLIANCE_LAST_RUN,
    COMPLIANCE_UNCHECKED,
)

_HOUR: Final = 3600
_RIGHTS: Final = "RequesterMayNotRead|PathNotAllowed|PermissionDenied|IdentityRefused|LoginDenied|NamespaceNotEnabled"

_FINDINGS: Final = aggregated("sum", of(COMPLIANCE_FINDINGS), "standard", "severity")

_WELL: Final = Row(
    "Are the standards met?",
    (
        stat(
            "Errors",
            "Findings of the last run of the Enforcer that are errors, without those under an exception.",
            aggregated("sum", of(COMPLIANCE_FINDINGS, 'severity="error"')),
            steps=TROUBLE,
        ),
        stat(
            "Warnings",
            "Findings of the last run that are warnings, without those under an exception.",
            aggregated("sum", of(COMPLIANCE_FINDINGS, 'severity="warning"')),
            steps=DOUBT,
        ),
        stat(
            "Not checked",
            "What the last run could not look at. It never counts as held; the report says why.",
            aggregated("sum", of(COMPLIANCE_UNCHECKED)),
            steps=DOUBT,
        ),
        stat(
            "Exceptions",
            "Exceptions of the standards file that have ended, or end within two weeks.",
            aggregated("sum", of(COMPLIANCE_EXCEPTIONS_ENDING)),
            steps=DOUBT,
        ),
        stat(
            "Last run",
            "How long ago the last run of the Enforcer ended. It runs once a night. Years mean that one runs now, or "
            "was killed.",
            f"time() - {aggregated('max', of(COMPLIANCE_LAST_RUN))}",
            unit=Unit.SECONDS,
            steps=((26 * _HOUR, Colour.DOUBTFUL), (50 * _HOUR, Colour.BAD)),
        ),
        stat(
            "By hand",
            "How often in a second a person, and not what applies from Git, changed from where an object has a value. "
            "`keyhole changes` and the audit trail have the names.",
            per_second(APPLIERS, matching='applier="user"'),
            unit=Unit.PER_SECOND,
            steps=DOUBT,
        ),
        is_true(
            "Audit trail",
            "Whether every worker writes its audit trail, or none is configured. A worker that cannot refuses whatever "
            "needs a line.",
            aggregated("min", of(AUDIT_BEGUN)),
            "written",
            "waits",
        ),
        stat(
            "Lost lines",
            "Admissions a second that were refused because their line could not be written to the audit trail.",
            per_second(AUDIT_FAILURES),
            unit=Unit.PER_SECOND,
            steps=TROUBLE,
        ),
    ),
)

_STANDARDS: Final = Row(
    "Standards",
    (
        Panel(
            "Findings",
            "Findings of the last run, by standard and severity. The report names the objects and what to do.",
            (
                Query(f"{_FINDINGS} > 0", "{{standard}}: {{severity}}"),
                Query(aggregated("sum", of(COMPLIANCE_FINDINGS)), "all"),
            ),
            width=12,
        ),
        Panel(
            "Not checked",
            "What the last run could not look at, by standard.",
            (
                Query(f"{aggregated('sum', of(COMPLIANCE_UNCHECKED), 'standard')} > 0", "{{standard}}"),
                Query(aggregated("sum", of(COMPLIANCE_UNCHECKED)), "all"),
            ),
            width=12,
        ),
    ),
)

_CHANGES: Final = Row(
    "Changes",
    (
        Panel(
            "Who changes references and versions",
            "Admissions that changed from which reference, or which version, an object has a value. listed: the "
            "accounts that `keyhole serve --applier` names. keyhole: the loop follows Vault. user: by hand.",
            one(per_second(APPLIERS, "applier"), "{{applier}}"),
            unit=Unit.PER_SECOND,
            form=Form.AREAS,
        ),
        Panel(
            "Values that came and went",
            "Fields that got a new value from Vault, and those whose reference was removed.",
            one(per_second(FIELDS, "result", matching='result=~"resolved|removed"'), "{{result}}"),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "Refused for want of a right",
            "Objects whose sender, namespace or account may not have what they refer to, by cause.",
            one(per_second(REFUSALS, "cause", matching=f'cause=~"{_RIGHTS}"'), "{{cause}}"),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "Changes of the connections file",
            "How often a worker took a changed connections file, or rejected it.",
            one(per_second(CONNECTIONS_RELOADS, "result"), "{{result}}"),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "How callers prove themselves",
            "1 for the mode that is in use. none is for development only: anyone who reaches the port reads secrets.",
            one(aggregated("max", of(CALLER_MODE), "mode"), "{{mode}}"),
        ),
        Panel(
            "The audit trail and strangers",
            "Lines that could not be written, and requests that did not come from the API server.",
            (Query(per_second(AUDIT_FAILURES), "lost lines"), Query(per_second(CALLER_REFUSALS), "refused callers")),
            unit=Unit.PER_SECOND,
        ),
    ),
)

COMPLIANCE: Final = Board(
    "keyhole-changes",
    "Keyhole: compliance and changes",
    "The Enforcer looks each night whether the standards are met, and the webhook counts who changes from where "
    "objects have their values. **If the first row is green, the standards are met and nobody works by hand.** The "
    "Enforcer's report names what does not meet them; `keyhole changes` shows each change, by whom, and its commit. "
    f"{RUNBOOK} has a section for each alert.",
    (_WELL, _STANDARDS, _CHANGES),
)
