"""Reports to try the forms on: an ordinary night, an empty one, a large one, and one with hostile names."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from enforcer.judging.answers import NOWHERE, NotChecked
from enforcer.judging.catalogue import STANDARDS
from enforcer.judging.standard import Standard
from enforcer.report import Excepted, ExceptionState, Gone, Report, StandardsException, Unseen, Verdict
from enforcer.standards.exceptions import STANDARD as OF_EXCEPTIONS
from review.findings.finding import Finding, ObjectName, told_apart
from review.findings.rule import Severity
from review.sources.text import Place

STARTED: Final = datetime(2026, 11, 28, 3, 0, 12, tzinfo=UTC)
ENDED: Final = STARTED + timedelta(minutes=2, seconds=41)
SINCE: Final = STARTED - timedelta(days=1)

_STANDARDS: Final = {each.rule.id: each for each in (*STANDARDS, OF_EXCEPTIONS)}
_NAMESPACES: Final = ("billing", "checkout", "customer-portal", "identity", "ledger", "payments", "search", "shop")


def standard(name: str, severity: Severity = Severity.ERROR) -> Standard:
    """Return a standard as if it came with this severity."""
    real = _STANDARDS[name]
    return replace(real, rule=replace(real.rule, severity=severity))


def finding(of: Standard, about: ObjectName, message: str, pointer: str = "", place: Place = NOWHERE) -> Finding:
    return Finding(of.rule, place, message, about, pointer, of.rule.severity)


def secret(namespace: str, name: str) -> ObjectName:
    return ObjectName("", "Secret", namespace, name)


def report(*verdicts: Verdict, exceptions: Iterable[StandardsException] = ()) -> Report:
    """Return a report of a run that has ended, without an earlier one."""
    return Report("0.1.0", "production-eu-1", STARTED, ENDED, verdicts, tuple(exceptions), digest="5e" * 32)


def all_held() -> Report:
    """Every standard is met."""
    return report(*(Verdict(standard(name), Severity.ERROR, 12 + 7 * at, (), ()) for at, name in enumerate(_STANDARDS)))


def empty() -> Report:
    """There is no standard at all."""
    return replace(report(), cluster="", digest="")


def not_begun() -> Report:
    """The run was killed: nothing is known."""
    reason = "the run has not ended"
    verdicts = [
        Verdict(standard(name), Severity.ERROR, 0, (), [NotChecked(ObjectName("keyhole", "Run", "", name), reason)])
        for name in _STANDARDS
    ]
    return replace(report(*verdicts), ended=None)


def large(findings: int = 5000, unchecked: int = 1000) -> Report:
    """One standard with thousands of findings in 50 namespaces, and another with equal reasons."""
    plain, current = standard("no-plaintext"), standard("values-current")
    found = [
        finding(
            plain, secret(f"team-{number % 50:02}", f"app-{number:05}"), "the key `password` was written by `kubectl`"
        )
        for number in range(findings)
    ]
    reasons = [
        NotChecked(secret(f"team-{number % 50:02}", f"app-{number:05}"), "the version store is KV v1, which keeps none")
        for number in range(unchecked)
    ]
    return report(
        Verdict(plain, Severity.ERROR, 321, list(told_apart(found)), ()),
        Verdict(current, Severity.ERROR, 44, (), reasons),
    )


HOSTILE: Final = (
    "<script>document.title='x'</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "</style></title><svg onload=alert(1)>",
    "\u202egnp.exe\u2066\u200b\ufeff\x1b]0;title\x07",
    "javascript:alert(1)",
    "x" * 1024,
    "محفظة-الدفع",
    "支払い-🔐",
    "a\nb\rc\td\0e",
    "| a | b |\n|---|---|\n[link](https://evil.example)",
)
"""What a name, a message or a path of a file may try."""


def hostile() -> Report:
    """Names, messages, reasons, owners and files that try to be something else than text."""
    plain = standard("no-plaintext")
    found = [
        Finding(plain.rule, Place(f"deploy/{text}.yaml", 3, 1), f"message {text}", secret(text, text), f"/data/{text}")
        for text in HOSTILE
    ]
    exceptions = [_exception(text, date(2026, 12, 24), text, text, text, covers=1) for text in HOSTILE]
    excepted = [
        Excepted(replace(each, pointer="excepted"), exception)
        for each, exception in zip(found, exceptions, strict=True)
    ]
    verdict = Verdict(
        plain,
        Severity.ERROR,
        3,
        found,
        [NotChecked(secret(text, text), f"reason {text}") for text in HOSTILE],
        excepted,
    )
    gone = [Gone("0" * 64, "no-plaintext", f"Secret {text}", f"gone {text}") for text in HOSTILE]
    return replace(
        report(verdict, exceptions=exceptions),
        cluster=HOSTILE[0],
        since=SINCE,
        new=frozenset(each.fingerprint for each in found[:3]),
        gone=gone,
        unseen=[Unseen("4" * 64, text, secret(text, text), f"unseen {text}") for text in HOSTILE],
    )


def ordinary() -> Report:
    """A night of a company: some findings, some exceptions, some things that could not be looked at."""
    verdicts = list(_ordinary_verdicts())
    found = [each for verdict in verdicts for each in verdict.findings]
    gone = [
        Gone("1" * 64, "values-current", "Secret ledger/api", "the version of `default:secret/ledger/api` is 3, not 4"),
        Gone("2" * 64, "images", "Deployment search/index", "the container `index` names its image by a tag alone"),
    ]
    new = frozenset(each.fingerprint for each in (*found[:2], found[-1]))
    unseen = [Unseen("3" * 64, "values-current", secret("identity", "sso"), "the version of its path was 2, not 3")]
    return replace(report(*verdicts, exceptions=_EXCEPTIONS), since=SINCE, new=new, gone=gone, unseen=unseen)


def _exception(  # noqa: PLR0917 - the fields of an exception
    about: str,
    until: date,
    owner: str,
    reason: str,
    ticket: str,
    state: ExceptionState = ExceptionState.IN_FORCE,
    covers: int = 0,
) -> StandardsException:
    return StandardsException(("no-plaintext",), (about,), until, owner, reason, ticket, state, covers)


_EXCEPTIONS: Final = (
    _exception(
        "Secret payments/acquirer-*", date(2026, 12, 5), "team-payments", "the acquirer's client reads a file that we"
        " cannot template before its next release", "RISK-812", ExceptionState.ENDS_SOON, covers=3,
    ),
    _exception(
        "Secret identity/legacy-ldap", date(2027, 3, 31), "team-identity", "the directory is replaced in March",
        "RISK-790", covers=1,
    ),
    _exception(
        "Secret search/*", date(2026, 11, 20), "team-search", "the cluster was being moved", "RISK-655",
        ExceptionState.ENDED,
    ),
)  # fmt: skip


def _ordinary_verdicts() -> Iterator[Verdict]:
    for number, name in enumerate(_STANDARDS):
        severity = {"least-privilege": Severity.WARNING, "images": Severity.WARNING, "git-is-cluster": Severity.NOTE}
        one = standard(name, severity.get(name, Severity.ERROR))
        level = None if name == "appliers" else one.rule.severity
        found = [replace(each, severity=one.rule.severity) for each in _ordinary_findings(one)]
        held = 0 if name in {"review", "api-audit-quiet", "appliers"} else 214 - 13 * number
        held = 2 if name == "exceptions" else held
        excepted = list(_ordinary_excepted(one)) if name == "no-plaintext" else []
        yield Verdict(one, level, held, list(told_apart(found)), list(_ordinary_unchecked(name)), excepted)


def _ordinary_findings(one: Standard) -> Iterator[Finding]:
    if one.rule.id == "no-plaintext":
        for name in ("smtp", "smtp-relay", "webhook-token"):
            about = secret("customer-portal", name)
            yield finding(one, about, "the key `password` was written by `kubectl-edit`", "/data/password")
        yield finding(one, secret("shop", "feature-flags"), "the key `sdk` was written by `helm`", "/data/sdk")
    if one.rule.id == "values-current":
        for namespace, name in (("checkout", "cart-db"), ("checkout", "cart-cache"), ("ledger", "postings")):
            text = f"the version of `default:secret/{namespace}/{name}` is 4; Vault has 6 since 2026-11-21"
            yield finding(one, secret(namespace, name), text, f"secret/{namespace}/{name}")
    if one.rule.id == "images":
        for namespace in _NAMESPACES[:6]:
            about = ObjectName("apps", "Deployment", namespace, f"{namespace}-api")
            yield finding(one, about, "the container `api` names its image by a tag alone", "api")
    if one.rule.id in _SINGLE:
        about, text, pointer, place = _SINGLE[one.rule.id]
        yield finding(one, about, text, pointer, place)


_SINGLE: Final = {
    "records-proved": (
        secret("payments", "acquirer"),
        "the key `password` is not the one that the record proves",
        "/data/password",
        NOWHERE,
    ),
    "git-is-cluster": (
        secret("search", "index"),
        "the reference `vault:secret/search/index#token` is not in Git",
        "/data/token",
        Place("clusters/production/search/secrets.yaml", 31, 5),
    ),
    "least-privilege": (
        ObjectName("vault", "Policy", "", "keyhole-shop"),
        "it grants `secret/data/*`; the namespace uses 2 paths below `secret/data/shop`",
        "secret/data/*",
        NOWHERE,
    ),
    "exceptions": (
        ObjectName("keyhole", "Exception", "", "Secret search/*"),
        "the exception ended on 2026-11-20, and covers nothing now",
        "ended",
        NOWHERE,
    ),
}


def _ordinary_unchecked(name: str) -> Iterator[NotChecked]:
    if name == "values-current":
        for number in range(37):
            path = ObjectName("vault", "Path", _NAMESPACES[number % 3], f"legacy/app-{number}")
            yield NotChecked(path, "the mount is KV v1, which keeps no versions")
        for number in range(3):
            about = ObjectName("vault", "Path", "identity", f"secret/identity/{number}")
            yield NotChecked(about, "Vault did not answer in time")
    if name == "review":
        yield NotChecked(ObjectName("forge", "Repository", "", "platform/manifests"), "there is no token for the forge")
    if name == "api-audit-quiet":
        yield NotChecked(ObjectName("keyhole", "AuditPolicy"), "--audit-policy was not given")


def _ordinary_excepted(one: Standard) -> Iterator[Excepted]:
    for number in range(3):
        about = secret("payments", f"acquirer-{number}")
        yield Excepted(finding(one, about, "the key `pem` was written by `helm`", "/data/pem"), _EXCEPTIONS[0])
    about = secret("identity", "legacy-ldap")
    yield Excepted(finding(one, about, "the key `bind` was written by `kubectl`", "/data/bind"), _EXCEPTIONS[1])


REPORTS: Final = {
    "ordinary": ordinary,
    "held": all_held,
    "empty": empty,
    "not-begun": not_begun,
    "large": large,
    "hostile": hostile,
}
"""All of them, by name."""
