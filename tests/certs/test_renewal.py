"""A certificate authority and what is served under it, through renewals, losses and deaths of the controller."""

import base64
import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.authorities import PREVIOUS_CERTIFICATES, PREVIOUS_KEY, Authority, fingerprint, read, sound
from certs.bundle import CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY
from certs.issue import issue_ca, issue_serving
from certs.keypair import KeyPair
from certs.renewal import CertificateRequest, due_at, plan
from tests.certs.installation import HOST, SETTLE_SECONDS, START, Installation, Killed

LONG = CertificateRequest((HOST,), timedelta(days=90), timedelta(days=3650))


@pytest.fixture
def resting() -> Installation:
    """Return an installation where nothing is under way, with certificates of years."""
    return _resting(Installation(LONG))


def _resting(installation: Installation) -> Installation:
    for _ in range(4):
        installation.turn()
        installation.pass_time(2)
    installation.rest(4 * SETTLE_SECONDS)
    assert installation.unexpired()
    installation.events.clear()
    return installation


def _newest(installation: Installation) -> str:
    return fingerprint(x509.load_pem_x509_certificate(installation.authority[CA_CERTIFICATE]))


def _leaf(installation: Installation) -> x509.Certificate:
    return x509.load_pem_x509_certificate(installation.serving[CERTIFICATE])


def _is_signed_by_the_newest(installation: Installation) -> bool:
    authority = Authority(x509.load_pem_x509_certificate(installation.authority[CA_CERTIFICATE]))
    return authority.issued(_leaf(installation))


class TestTheFirst:
    def test_an_authority_is_made_and_published_and_signs_in_the_turn_after(self) -> None:
        installation = Installation(LONG)
        installation.turn()
        assert set(installation.authority) == {CA_CERTIFICATE, CA_KEY}
        assert installation.serving == {CA_CERTIFICATE: installation.authority[CA_CERTIFICATE]}
        assert installation.bundle == installation.authority[CA_CERTIFICATE]
        installation.pass_time(1)
        installation.turn()
        assert _is_signed_by_the_newest(installation)
        assert len(installation.events) == 2

    def test_then_nothing_changes_any_more(self, resting: Installation) -> None:
        before = dict(resting.authority), dict(resting.serving), resting.bundle
        resting.rest(60)
        assert (resting.authority, resting.serving, resting.bundle) == before
        assert resting.events == []

    def test_nothing_is_signed_that_nobody_could_be_told_to_trust(self) -> None:
        installation = Installation(LONG)
        with contextlib.suppress(Killed):
            installation.turn(writes_before_death=1)
        found = plan(installation._situation(), LONG, installation.now)
        assert CERTIFICATE not in found.serving


class TestRenewal:
    def test_a_certificate_of_ten_seconds_is_due_after_two_thirds_of_them(self) -> None:
        pair = issue_serving(issue_ca(now=START), [HOST], timedelta(seconds=9), START)
        assert due_at(x509.load_pem_x509_certificate(pair.certificate_pem)) == START + timedelta(seconds=6)

    def test_the_certificate_is_renewed_when_due_and_not_before(self) -> None:
        installation = _resting(Installation(CertificateRequest((HOST,), timedelta(seconds=90), timedelta(days=3650))))
        due = (due_at(_leaf(installation)) - START).total_seconds()
        before = _leaf(installation)
        while installation.seconds < due - 1:
            installation.rest(1)
        assert _leaf(installation) == before
        installation.rest(2)
        assert _leaf(installation) != before
        assert installation.events == ["made a serving certificate: two thirds of the old one's life are over"]

    def test_the_authority_is_replaced_in_four_steps(self, resting: Installation) -> None:
        old, old_leaf = _newest(resting), _leaf(resting)
        resting.renews_ca = True
        resting.rest(1)
        assert not resting.renews_ca
        assert len(sound(resting.bundle, resting.now)) == 2
        assert _newest(resting) != old
        resting.rest(SETTLE_SECONDS - 2)
        assert _leaf(resting) == old_leaf
        resting.rest(3)
        assert _is_signed_by_the_newest(resting)
        assert PREVIOUS_KEY in resting.authority
        resting.rest(SETTLE_SECONDS + 2)
        assert set(resting.authority) == {CA_CERTIFICATE, CA_KEY}
        assert [fingerprint(one) for one in sound(resting.bundle, resting.now)] == [_newest(resting)]

    def test_other_host_names_take_another_certificate_of_the_same_authority(self, resting: Installation) -> None:
        before = _newest(resting)
        resting.request = CertificateRequest((HOST, "10.0.0.1"), LONG.certificate_lifetime, LONG.ca_lifetime)
        resting.rest(2)
        assert _newest(resting) == before
        assert resting.events == ["made a serving certificate: other host names"]

    def test_nothing_outlives_its_authority(self) -> None:
        request = CertificateRequest((HOST,), timedelta(seconds=60), timedelta(seconds=61))
        installation = _resting(Installation(request))
        for _ in range(300):
            installation.rest(1)
            issuers = [
                one.certificate
                for one in read(installation.authority, (), installation.now).all
                if one.issued(_leaf(installation))
            ]
            assert all(_leaf(installation).not_valid_after_utc <= one.not_valid_after_utc for one in issuers)
        assert len([event for event in installation.events if "new certificate authority" in event]) >= 5

    def test_a_bundle_that_an_operator_writes_is_waited_for(self, resting: Installation) -> None:
        resting.manual = resting.bundle
        resting.renews_ca = True
        resting.rest(10 * SETTLE_SECONDS)
        assert resting.turn().waits_for == _newest(resting)
        assert not _is_signed_by_the_newest(resting)
        resting.renews_certificate = True
        before = _leaf(resting)
        resting.rest(2)
        assert _leaf(resting) != before
        resting.manual = resting.serving[CA_CERTIFICATE]
        resting.rest(3 * SETTLE_SECONDS)
        assert _is_signed_by_the_newest(resting)
        assert resting.turn().waits_for is None


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _foreign() -> tuple[KeyPair, KeyPair]:
    ca = issue_ca("another", now=START)
    return ca, issue_serving(ca, [HOST], now=START)


def _spoil(part: str, how: Callable[[bytes], bytes | None], secret: str) -> Callable[[Installation], None]:
    def spoil(installation: Installation) -> None:
        content = getattr(installation, secret)
        changed = how(content.get(part, b""))
        content.pop(part, None)
        if changed is not None:
            content[part] = changed

    return spoil


def _whole(secret: str, content: dict[str, bytes]) -> Callable[[Installation], None]:
    return lambda installation: setattr(installation, secret, dict(content))


def _all_losses() -> dict[str, Callable[[Installation], None]]:
    ca, leaf = _foreign()
    losses: dict[str, Callable[[Installation], None]] = {}
    hows: dict[str, Callable[[bytes], bytes | None]] = {
        "is gone": lambda _: None,
        "is cut off": _half,
        "is empty": lambda _: b"",
        "is no PEM": lambda _: b"\x00\xff",
    }
    for how, change in hows.items():
        for part in (CA_CERTIFICATE, CA_KEY, PREVIOUS_CERTIFICATES, PREVIOUS_KEY):
            losses[f"{part} of the authority {how}"] = _spoil(part, change, "authority")
        for part in (CA_CERTIFICATE, CERTIFICATE, KEY):
            losses[f"{part} of the webhook {how}"] = _spoil(part, change, "serving")
    losses["the authority's Secret is gone"] = _whole("authority", {})
    losses["the webhook's Secret is gone"] = _whole("serving", {})
    losses["another authority's certificate"] = _spoil(CA_CERTIFICATE, lambda _: ca.certificate_pem, "authority")
    losses["another authority's key"] = _spoil(CA_KEY, lambda _: ca.key_pem, "authority")
    losses["another key"] = _spoil(KEY, lambda _: leaf.key_pem, "serving")
    losses["somebody else's authority"] = _whole("authority", {CA_CERTIFICATE: ca.certificate_pem, CA_KEY: ca.key_pem})
    losses["a note of an administrator's"] = _spoil("note", lambda _: b"x", "authority")
    return losses


LOSSES = _all_losses()


class TestLosses:
    @pytest.mark.parametrize("loss", LOSSES)
    def test_what_is_served_stays_trusted_and_all_is_well_in_the_end(self, resting: Installation, loss: str) -> None:
        LOSSES[loss](resting)
        resting.rest(4 * SETTLE_SECONDS)
        assert resting.unexpired()
        assert _is_signed_by_the_newest(resting)
        assert resting.bundle == resting.authority[CA_CERTIFICATE] == resting.serving[CA_CERTIFICATE]

    @pytest.mark.parametrize("part", [CA_CERTIFICATE, PREVIOUS_CERTIFICATES])
    def test_a_sound_key_is_not_thrown_away_for_a_damaged_certificate(self, resting: Installation, part: str) -> None:
        newest, key = _newest(resting), resting.authority[CA_KEY]
        resting.authority[part] = b"damaged"
        resting.rest(2)
        assert (_newest(resting), resting.authority[CA_KEY]) == (newest, key)
        assert resting.events == []

    def test_a_certificate_that_nobody_trusts_is_replaced_and_its_authority_is_not_published(
        self, resting: Installation
    ) -> None:
        ca, leaf = _foreign()
        resting.serving = {CA_CERTIFICATE: ca.certificate_pem, CERTIFICATE: leaf.certificate_pem, KEY: leaf.key_pem}
        resting.turn()
        assert _is_signed_by_the_newest(resting)
        assert ca.certificate_pem not in resting.bundle

    def test_one_of_another_authority_that_is_trusted_is_replaced_in_the_same_steps(self) -> None:
        ca, leaf = _foreign()
        theirs = {CA_CERTIFICATE: ca.certificate_pem, CERTIFICATE: leaf.certificate_pem, KEY: leaf.key_pem}
        installation = Installation(LONG, serving=theirs, bundle=ca.certificate_pem, in_effect=ca.certificate_pem)
        installation.pass_time(2)
        installation.rest(4 * SETTLE_SECONDS)
        assert _is_signed_by_the_newest(installation)
        assert installation.bundle == installation.authority[CA_CERTIFICATE]

    def test_with_both_secrets_gone_the_old_authority_stays_trusted_while_replicas_show_it(
        self, resting: Installation
    ) -> None:
        resting.authority, resting.serving = {}, {}
        resting.rest(4 * SETTLE_SECONDS)
        assert _is_signed_by_the_newest(resting)
        assert resting.bundle == resting.authority[CA_CERTIFICATE]

    def test_an_authority_without_a_key_identifier_goes_on(self) -> None:
        ca = _without_key_identifier()
        installation = Installation(LONG, authority={CA_CERTIFICATE: ca.certificate_pem, CA_KEY: ca.key_pem})
        _resting(installation)
        assert installation.authority[CA_KEY] == ca.key_pem
        assert _is_signed_by_the_newest(installation)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            pytest.param(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x4d", id="a version that there is not"),
            pytest.param(b"keyhole-ca", b"keyhole-\xff\xfe", id="a name that is no text"),
        ],
    )
    def test_nonsense_that_somebody_has_the_api_server_trust_ends_nothing(self, before: bytes, after: bytes) -> None:
        der = x509.load_pem_x509_certificate(issue_ca(now=START).certificate_pem).public_bytes(Encoding.DER)
        text = base64.encodebytes(der.replace(before, after))
        nonsense = b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"
        installation = Installation(LONG, bundle=nonsense, in_effect=nonsense, serving={CERTIFICATE: nonsense})
        _resting(installation)
        assert _is_signed_by_the_newest(installation)
        assert installation.bundle == installation.authority[CA_CERTIFICATE]


def _without_key_identifier() -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ours")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(START)
    builder = builder.not_valid_after(START + timedelta(days=3650))
    certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    return KeyPair(
        certificate.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


_STEPS = st.one_of(
    st.tuples(st.just("time"), st.sampled_from([0.2, 0.5, 1.0, 1.9])),
    st.tuples(st.just("turn"), st.sampled_from([None, None, None, 0, 1, 2])),
    st.tuples(st.just("another controller"), st.none()),
    st.tuples(st.just("ca"), st.none()),
    st.tuples(st.just("certificate"), st.none()),
    st.tuples(st.just("loss"), st.sampled_from(sorted(LOSSES))),
    st.tuples(st.just("rest"), st.sampled_from([2.0, 6.0, 30.0])),
)


class TestLaws:
    @pytest.mark.parametrize(
        ("poll_seconds", "spread_seconds"),
        [pytest.param(1.0, 4.0, id="trust spreads slowly"), pytest.param(4.0, 0.5, id="replicas read slowly")],
    )
    @given(steps=st.lists(_STEPS, max_size=30))
    @settings(deadline=None, max_examples=30)
    def test_at_every_moment_of_every_history_what_is_served_is_trusted(
        self, poll_seconds: float, spread_seconds: float, steps: list[tuple[str, object]]
    ) -> None:
        installation = _resting(Installation(poll_seconds=poll_seconds, spread_seconds=spread_seconds))
        for step in steps:
            _take(installation, *step)
            installation.check()
        installation.rest(6 * SETTLE_SECONDS)
        assert installation.unexpired()

    @given(life=st.integers(20, 90), factor=st.integers(1, 10), turns=st.sampled_from([0.5, 1.0, 1.5]))
    @settings(deadline=None, max_examples=10)
    def test_nothing_expires_while_the_controller_works(self, life: int, factor: int, turns: float) -> None:
        lifetime = timedelta(seconds=life)
        installation = Installation(
            CertificateRequest((HOST,), lifetime, max(lifetime * factor, timedelta(seconds=90)))
        )
        _resting(installation)
        for _ in range(40):
            installation.rest(3, turns)
            assert installation.unexpired()


def _take(installation: Installation, what: str, argument: object) -> None:
    if what == "time":
        assert isinstance(argument, float)
        installation.pass_time(argument)
    elif what == "turn":
        assert argument is None or isinstance(argument, int)
        with contextlib.suppress(Killed):
            installation.turn(argument)
            return
        installation.restart()
    elif what == "another controller":
        installation.restart()
    elif what == "ca":
        installation.renews_ca = True
    elif what == "certificate":
        installation.renews_certificate = True
    elif what == "loss":
        # One at a time: with both Secrets gone at once there is a moment that nobody can bridge.
        LOSSES[str(argument)](installation)
        _settle(installation)
    elif what == "rest":
        assert isinstance(argument, float)
        installation.rest(argument)


def _settle(installation: Installation) -> None:
    installation.rest(4 * SETTLE_SECONDS)
