"""What an issued certificate says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import CertsError, InvalidLifetimeError, InvalidNameError, UnfitError
from certs.issue import issue_ca, issue_serving
from certs.keypair import KeyPair
from certs.names import alternative_names, service_names

NOW = datetime(2026, 5, 4, 3, 2, 1, 999, tzinfo=UTC)
DAY = timedelta(days=1)


def parsed(pair: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate_pem)


def common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@pytest.fixture(scope="module", name="ca")
def issued_ca() -> KeyPair:
    return issue_ca(lifetime=100 * DAY, now=NOW)


def test_an_authority_may_sign_servers_and_nothing_below(ca: KeyPair) -> None:
    extensions = parsed(ca).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (True, True, False)


def test_a_serving_certificate_is_for_tls_servers_only(ca: KeyPair) -> None:
    extensions = parsed(issue_serving(ca, ["a.test"], DAY, NOW)).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=False, path_length=None)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (False, False, True)
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_serving_certificate_bears_its_names_and_its_authority(ca: KeyPair) -> None:
    certificate = parsed(issue_serving(ca, ["App.test", "127.0.0.1", "::1", "app.TEST"], DAY, NOW))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["app.test"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert common_name(certificate) == "app.test"
    certificate.verify_directly_issued_by(parsed(ca))


def test_the_key_identifiers_lead_from_the_server_to_its_own_authority(ca: KeyPair) -> None:
    server = parsed(issue_serving(ca, ["a.test"], DAY, NOW)).extensions
    pointed_at = server.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier

    def own(pair: KeyPair) -> bytes:
        return parsed(pair).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest

    assert pointed_at == own(ca)
    assert pointed_at != own(issue_ca(now=NOW))


def test_keys_are_p256_and_belong_to_their_certificates(ca: KeyPair) -> None:
    for pair in (ca, issue_serving(ca, ["a.test"], DAY, NOW)):
        key = load_pem_private_key(pair.key_pem, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert isinstance(key.curve, ec.SECP256R1)
        assert key.public_key() == parsed(pair).public_key()


def test_keys_and_serial_numbers_are_new_each_time(ca: KeyPair) -> None:
    first, second = (issue_serving(ca, ["a.test"], DAY, NOW) for _ in range(2))
    assert first.key_pem != second.key_pem
    assert parsed(first).serial_number != parsed(second).serial_number


def test_validity_begins_before_the_issue_and_ends_with_the_lifetime(ca: KeyPair) -> None:
    certificate = parsed(issue_serving(ca, ["a.test"], 7 * DAY, NOW))
    whole = NOW.replace(microsecond=0)
    assert certificate.not_valid_before_utc == whole - timedelta(minutes=5)
    assert certificate.not_valid_after_utc == whole + 7 * DAY


def test_the_moment_of_issue_may_stand_in_any_time_zone(ca: KeyPair) -> None:
    eastern = NOW.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    pair = issue_serving(ca, ["a.test"], DAY, eastern)
    assert parsed(pair).not_valid_after_utc == NOW.replace(microsecond=0) + DAY


def test_a_certificate_may_end_with_its_authority_but_not_after_it(ca: KeyPair) -> None:
    assert parsed(issue_serving(ca, ["a.test"], 100 * DAY, NOW))
    with pytest.raises(InvalidLifetimeError, match="outlive"):
        issue_serving(ca, ["a.test"], 100 * DAY + timedelta(seconds=1), NOW)


def test_a_certificate_does_not_begin_before_its_authority(ca: KeyPair) -> None:
    assert parsed(issue_serving(ca, ["a.test"], DAY, NOW - timedelta(minutes=4)))
    with pytest.raises(InvalidLifetimeError, match="not valid before"):
        issue_serving(ca, ["a.test"], DAY, NOW - timedelta(minutes=6))


@pytest.mark.parametrize(
    ("lifetime", "now"),
    [
        pytest.param(timedelta(0), NOW, id="no lifetime"),
        pytest.param(-DAY, NOW, id="a negative lifetime"),
        pytest.param(timedelta(days=36501), NOW, id="more than 100 years"),
        pytest.param(DAY, NOW.replace(tzinfo=None), id="a moment without a time zone"),
    ],
)
def test_impossible_times_are_refused(lifetime: timedelta, now: datetime) -> None:
    with pytest.raises(InvalidLifetimeError):
        issue_ca(lifetime=lifetime, now=now)


def test_the_common_name_is_the_first_that_fits(ca: KeyPair) -> None:
    long = f"{'a' * 60}.test"
    assert len(long) == 65
    assert common_name(parsed(issue_serving(ca, [long, "b.test"], DAY, NOW))) == "b.test"
    alone = parsed(issue_serving(ca, [long], DAY, NOW))
    assert common_name(alone) == "keyhole-serving"
    names = alone.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [long]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("n" * 65, id="one character too long"),
        pytest.param("Schlüssel", id="not ASCII"),
        pytest.param("a\nb", id="a control character"),
    ],
)
def test_a_bad_common_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidNameError):
        issue_ca(name)
    assert common_name(parsed(issue_ca("n" * 64))) == "n" * 64


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a..b", id="an empty label"),
        pytest.param("a.test.", id="a final dot"),
        pytest.param("-a.test", id="a label that begins with a hyphen"),
        pytest.param("a_b.test", id="an underscore"),
        pytest.param("*.test", id="a wildcard"),
        pytest.param("bücher.test", id="not ASCII"),
        pytest.param("\u212aeyhole.test", id="a Kelvin sign, which is k in small letters"),
        pytest.param("a.test\n", id="a final line break"),
        pytest.param("a.test\0.evil", id="a zero byte"),
        pytest.param("l" * 64, id="a label of 64 characters"),
        pytest.param(".".join(["a" * 63] * 4), id="255 characters in all"),
        pytest.param("256.1.1.1", id="nearly an IPv4 address"),
        pytest.param("127.0.0.1:443", id="an address with a port"),
        pytest.param("10.0.0.0/8", id="a network"),
        pytest.param("fe80::1%eth0", id="an address with a zone"),
        pytest.param("https://a.test", id="a URL"),
    ],
)
def test_a_bad_name_is_refused_and_quoted(ca: KeyPair, name: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        issue_serving(ca, ["good.test", name], DAY, NOW)
    assert caught.value.name == name
    assert repr(name) in str(caught.value)


def test_no_names_at_all_are_refused(ca: KeyPair) -> None:
    with pytest.raises(InvalidNameError, match="at least one name"):
        issue_serving(ca, [], DAY, NOW)


@given(st.lists(st.text(max_size=70) | st.from_regex(r"[a-z0-9.*:%-]{1,20}", fullmatch=True), max_size=4))
def test_no_text_raises_anything_but_our_own_error(names: Sequence[str]) -> None:
    try:
        alternatives = alternative_names(names)
    except InvalidNameError:
        return
    # What was accepted can be encoded, and comes back as it was written.
    encoded = x509.SubjectAlternativeName(alternatives).public_bytes()
    assert encoded
    assert alternative_names([str(alternative.value) for alternative in alternatives]) == alternatives


def test_a_service_has_four_names_from_short_to_full() -> None:
    assert service_names("keyhole", "vault") == (
        "keyhole",
        "keyhole.vault",
        "keyhole.vault.svc",
        "keyhole.vault.svc.cluster.local",
    )


@pytest.mark.parametrize("label", ["", "a.b", "A", "a_b", "-a", "a" * 64, "a\n"])
def test_a_service_or_namespace_that_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(InvalidNameError):
        service_names(label, "ok")
    with pytest.raises(InvalidNameError):
        service_names("ok", label)


def test_only_an_authority_may_sign(ca: KeyPair) -> None:
    server = issue_serving(ca, ["a.test"], DAY, NOW)
    with pytest.raises(UnfitError, match="not the certificate of an authority"):
        issue_serving(server, ["b.test"], timedelta(hours=1), NOW)


def test_the_key_of_another_authority_cannot_sign(ca: KeyPair) -> None:
    mixed = KeyPair(ca.certificate_pem, issue_ca(now=NOW).key_pem)
    with pytest.raises(UnfitError, match=r"^ca\.key: does not belong to ca\.crt$"):
        issue_serving(mixed, ["a.test"], DAY, NOW)


def test_the_key_never_shows_in_a_repr(ca: KeyPair) -> None:
    shown = f"{ca!r} {ca} {[ca]}"
    assert "BEGIN CERTIFICATE" in shown
    assert "PRIVATE" not in shown
    assert all(line not in shown for line in ca.key_pem.decode().splitlines())


def test_every_error_has_the_one_root() -> None:
    for error in (InvalidNameError, InvalidLifetimeError, UnfitError):
        assert issubclass(error, CertsError)
