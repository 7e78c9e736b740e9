"""The standard that every run has, whatever the file says: exceptions end, and each is for something."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from enforcer.judging.answers import found
from enforcer.judging.standard import Parameters, Standard
from enforcer.standards.chosen import Exemption
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule, Severity

SOON: Final = timedelta(days=14)
"""How long before its end an exception is warned of."""

RULE: Final = Rule(
    "exceptions",
    "exceptions",
    Severity.ERROR,
    "An exception of the standards has ended, ends soon, or covers nothing.",
    "An exception that nobody ends becomes the standard.",
    "Put right what it covers and take it out of the file; or have its owner give it a new day, and a reason for it.",
)


def _nothing(_inventory: object, _parameters: object) -> Iterable[Finding]:
    """Find nothing: what is wrong with exceptions is known once everything else has been judged."""
    return ()


STANDARD: Final = Standard(
    RULE, Parameters, _nothing, "Every exception covers something, and none has ended or ends within two weeks."
)


def ended(exemption: Exemption) -> Finding:
    """Return the finding about an exception whose day is over."""
    message = f"it ended on {exemption.until}, and covers nothing now"
    return _about(exemption, message, "ended")


def ends_soon(exemption: Exemption, today: date) -> Finding:
    """Return the finding about an exception that ends within `SOON`."""
    days = (exemption.until - today).days
    left = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
    message = f"it ends {left}, on {exemption.until}"
    return _about(exemption, message, "ends soon").told_as(Severity.WARNING)


def idle(exemption: Exemption) -> Finding:
    """Return the finding about an exception that covers nothing."""
    message = "it covers no finding, and can be taken out"
    return _about(exemption, message, "covers nothing").told_as(Severity.NOTE)


def _about(exemption: Exemption, message: str, what: str) -> Finding:
    name = ObjectName("keyhole", "Exception", "", _named(exemption))
    return found(RULE, name, f"{message} (owner: {exemption.owner})", pointer=what, place=exemption.place)


def _named(exemption: Exemption) -> str:
    return f"{', '.join(exemption.standards)}: {', '.join(exemption.objects)}"
