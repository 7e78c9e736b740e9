"""What to do next with an authority and the certificate under it. Pure: content in, content out.

The newest authority is to sign everything. Until everybody who verifies trusts it, the one before it does. Once the
certificate that is served is the newest one's, and every replica has read it, the ones before leave the trust. So at
every moment what is served goes back to something that is trusted, and whoever is killed in between goes on from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography import x509

from certs.authorities import PARTS, Authorities, Authority, fingerprint, is_sound, pem, read, sound
from certs.bundle import CA_CERTIFICATE, CERTIFICATE, KEY, serving_findings
from certs.errors import UnfitError
from certs.issue import CLOCK_SKEW, issue_ca, issue_serving
from certs.keypair import KeyPair
from certs.names import alternative_names
from certs.pem import parse_certificates

COMMON_NAME = "keyhole-ca"
# X.509 counts in seconds, and a certificate that expires before anyone has read it is useless.
_SHORTEST_LIFE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """The certificates wanted: host names and addresses, and the lifetimes of certificate and authority."""

    hosts: tuple[str, ...]
    certificate_lifetime: timedelta
    ca_lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Situation:
    """The present state.

    `authority` and `serving` are the contents of the two Secrets. `anchors` are the authorities that anybody who
    verifies trusts now; `trusted` are the fingerprints of those that all of them have trusted for so long that it is
    in effect everywhere. `is_published` says whether the trust that can be written is written. `is_read` says whether
    every replica has read the serving certificate. `renews_ca` and `renews_certificate` are somebody's requests.
    """

    authority: Mapping[str, bytes] = field(repr=False)
    serving: Mapping[str, bytes] = field(repr=False)
    anchors: Sequence[x509.Certificate] = ()
    trusted: frozenset[str] = frozenset()
    is_published: bool = True
    is_read: bool = False
    renews_ca: bool = False
    renews_certificate: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The full content that the two Secrets must have now, and `bundle`, what everyone must trust (PEM).

    Written in this order: `authority`, `bundle`, `serving`. `events` say what is new, `waits_for` is the fingerprint of
    an authority that is not trusted everywhere yet, None when nothing waits for it. `next_at` is when something is due.
    """

    authority: Mapping[str, bytes] = field(repr=False)
    serving: Mapping[str, bytes] = field(repr=False)
    bundle: bytes
    events: tuple[str, ...]
    waits_for: str | None
    next_at: datetime
    takes_up_ca_request: bool = False
    takes_up_certificate_request: bool = False


def plan(situation: Situation, request: CertificateRequest, now: datetime) -> Plan:
    """Return what has to be done at `now`, an aware datetime.

    Raises `certs.errors.InvalidNameError` or `InvalidLifetimeError` for wishes that no certificate can fulfil.
    """
    situation = replace(situation, anchors=[one for one in situation.anchors if is_sound(one, now)])
    served = _Served.of(situation.serving)
    before = read(situation.authority, situation.anchors, now)
    after, event = _authorities(before, served, situation, request, now)
    newest = after.newest
    assert newest is not None  # noqa: S101 - `_authorities` makes one
    bundle = pem(one.certificate for one in after.all)
    content = after.dump()
    is_unchanged = content == {name: situation.authority[name] for name in PARTS if situation.authority.get(name)}
    issued: KeyPair | None = None
    events = (event,) if event else ()
    if is_unchanged:
        # A new authority signs nothing before it is published.
        issued, reason = _certificate(after, served, situation, request, now)
        events = (reason,) if reason else ()
    serving = {**situation.serving, CA_CERTIFICATE: bundle}
    if issued is not None:
        serving |= {CERTIFICATE: issued.certificate_pem, KEY: issued.key_pem}
        served = _Served.of(serving)
    is_waiting = bool(after.previous) and fingerprint(newest.certificate) not in situation.trusted
    return Plan(
        authority=content,
        serving=serving,
        bundle=bundle,
        events=events,
        waits_for=fingerprint(newest.certificate) if is_waiting else None,
        next_at=min(due_at(newest.certificate), now if served is None else due_at(served.certificate)),
        takes_up_ca_request=situation.renews_ca and newest != before.newest,
        takes_up_certificate_request=situation.renews_certificate and issued is not None,
    )


def due_at(certificate: x509.Certificate) -> datetime:
    """Return when to renew a certificate from `certs.issue`: after two thirds of its life."""
    # It was made when it says, apart from the skew: two thirds of ten seconds are not three minutes.
    made_at = certificate.not_valid_before_utc + CLOCK_SKEW
    return made_at + (certificate.not_valid_after_utc - made_at) * 2 / 3


@dataclass(frozen=True, slots=True)
class _Served:
    """The certificate in the serving Secret, as far as it can be read. Its key may belong to another."""

    pair: KeyPair
    certificate: x509.Certificate

    @classmethod
    def of(cls, content: Mapping[str, bytes]) -> "_Served | None":
        pair = KeyPair(content.get(CERTIFICATE, b""), content.get(KEY, b""))
        try:
            return cls(pair, parse_certificates(CERTIFICATE, pair.certificate_pem)[0])
        except UnfitError:
            return None

    def is_usable(self, known: Sequence[Authority], now: datetime) -> bool:
        return not serving_findings(self.pair, now) and any(one.issued(self.certificate) for one in known)


def _authorities(
    before: Authorities, served: _Served | None, situation: Situation, request: CertificateRequest, now: datetime
) -> tuple[Authorities, str]:
    """Return the authorities as they should be, the newest with its key, and what has happened to them."""
    newest = before.newest
    # Still trusted, but lost from the Secret: replicas may still serve certificates of these.
    lost = [Authority(one) for one in situation.anchors if _is_needed(one, served, is_lost=newest is None)]
    held = {one.certificate for one in before.all}
    previous = (*before.previous, *(one for one in lost if one.certificate not in held))
    if newest is None:
        return Authorities(_made(request, now), previous), "made a certificate authority"
    if not previous:
        if situation.renews_ca or now >= due_at(newest.certificate):
            why = "on request" if situation.renews_ca else "before the old one ends"
            return Authorities(_made(request, now), (newest,)), f"made a new certificate authority, {why}"
        return before, ""
    is_trusted = fingerprint(newest.certificate) in situation.trusted
    is_served = served is not None and newest.issued(served.certificate) and served.is_usable((newest,), now)
    if is_trusted and is_served and situation.is_read:
        return Authorities(newest), "nothing goes back to the previous certificate authority any more: it is dropped"
    return Authorities(newest, previous), ""


def _is_needed(anchor: x509.Certificate, served: _Served | None, *, is_lost: bool) -> bool:
    if served is not None and Authority(anchor).issued(served.certificate):
        return True
    return is_lost and _is_named_like_ours(anchor)


def _is_named_like_ours(anchor: x509.Certificate) -> bool:
    try:
        return anchor.subject.rfc4514_string() == f"CN={COMMON_NAME}"
    except ValueError:  # whoever may write the bundle may write names that are not text
        return False


def _made(request: CertificateRequest, now: datetime) -> Authority:
    pair = issue_ca(COMMON_NAME, request.ca_lifetime, now)
    return Authority(x509.load_pem_x509_certificate(pair.certificate_pem), pair.key_pem)


def _certificate(
    authorities: Authorities, served: _Served | None, situation: Situation, request: CertificateRequest, now: datetime
) -> tuple[KeyPair | None, str]:
    """Return a new serving certificate and why it is needed; None if the current one stays."""
    known = (
        *authorities.all,
        *map(Authority, situation.anchors or sound(situation.serving.get(CA_CERTIFICATE, b""), now)),
    )
    is_usable = served is not None and served.is_usable(known, now)
    signer = _signer(authorities, served, situation.trusted, is_usable=is_usable)
    if signer is None or signer.pair is None or (not is_usable and not situation.is_published):
        return None, ""
    # A certificate must never outlive its authority.
    lifetime = min(request.certificate_lifetime, signer.certificate.not_valid_after_utc - now)
    if lifetime < _SHORTEST_LIFE:
        return None, ""
    reason = "there was none that could be used"
    if served is not None and is_usable:
        reason = _reason(served.certificate, signer, situation, request, now, lifetime)
    if not reason:
        return None, ""
    return issue_serving(signer.pair, request.hosts, lifetime, now), f"made a serving certificate: {reason}"


def _signer(
    authorities: Authorities, served: _Served | None, trusted: frozenset[str], *, is_usable: bool
) -> Authority | None:
    """Return who signs now; None if the newest has to be trusted first and the current certificate can wait."""
    newest = authorities.newest
    if newest is not None and fingerprint(newest.certificate) in trusted:
        return newest
    able = [one for one in authorities.all if one.key_pem is not None]
    if served is not None:
        # Whoever trusts the current certificate will trust the next one too.
        for one in able:
            if one.issued(served.certificate):
                return one
    if is_usable:
        return None
    # The previous authority has signed before, so it is more likely to be trusted.
    return able[-1]


def _reason(  # noqa: PLR0917 - each is one possible cause
    served: x509.Certificate,
    signer: Authority,
    situation: Situation,
    request: CertificateRequest,
    now: datetime,
    lifetime: timedelta,
) -> str:
    if not signer.issued(served):
        return "it goes back to the newest authority"
    if set(_names(served)) != set(alternative_names(request.hosts)):
        return "other host names"
    if situation.renews_certificate:
        return "on request"
    if now >= due_at(served) and now + lifetime > served.not_valid_after_utc + timedelta(seconds=1):
        return "two thirds of the old one's life are over"
    return ""


def _names(certificate: x509.Certificate) -> Sequence[x509.GeneralName]:
    try:
        return tuple(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return ()
