"""The metrics of `keyhole enforce`, which it writes into a file when it has judged."""

from typing import Final

from metrics.declaration import Declaration, Kind, Teller

_STANDARD: Final = "the standard's name ([The Enforcer](enforcer.md))"

COMPLIANCE_FINDINGS: Final = Declaration(
    "keyhole_compliance_findings",
    Kind.GAUGE,
    "Findings of the last run, without those under an exception. A standard that is switched off has no series.",
    {"standard": _STANDARD, "severity": "`error`, `warning` or `note`"},
    Teller.ENFORCER,
    advice="The report names them.",
)
COMPLIANCE_UNCHECKED: Final = Declaration(
    "keyhole_compliance_unchecked",
    Kind.GAUGE,
    "What the last run could not look at. It never counts as held.",
    {"standard": _STANDARD},
    Teller.ENFORCER,
)
COMPLIANCE_EXCEPTIONS_ENDING: Final = Declaration(
    "keyhole_compliance_exceptions_ending",
    Kind.GAUGE,
    "Exceptions of the standards file that have ended, or end within two weeks.",
    told_by=Teller.ENFORCER,
)
COMPLIANCE_LAST_RUN: Final = Declaration(
    "keyhole_compliance_last_run_timestamp_seconds",
    Kind.GAUGE,
    "When the last run ended, in seconds since 1970. 0 from when a run begins until it ends, and if it was killed.",
    told_by=Teller.ENFORCER,
    advice="`time()` minus this is the age of what the other three say.",
)

ALL_OF_THE_ENFORCER: Final = (
    *(COMPLIANCE_FINDINGS, COMPLIANCE_UNCHECKED, COMPLIANCE_EXCEPTIONS_ENDING, COMPLIANCE_LAST_RUN),
)
