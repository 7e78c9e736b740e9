"""A worker's certificate: what is new is taken over, what is broken changes nothing."""

import base64
import logging
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from gevent import GreenletExit

from certs.files import write
from certs.issue import issue_ca, issue_serving
from certs.keypair import KeyPair
from webhook.callerauth.caller import Authorities
from webhook.server.serving_certificate import CertificateError, CertificateFiles, ServingCertificate
from webhook.server.tls import ServingTls, load_pair

CA = issue_ca()


def _issued(**changes: timedelta | datetime) -> KeyPair:
    lifetime, now = changes.get("lifetime", timedelta(days=1)), changes.get("now")
    assert isinstance(lifetime, timedelta)
    assert not isinstance(now, timedelta)
    return issue_serving(CA, ["localhost"], lifetime, now)


GOOD, OTHER = _issued(), _issued()
_LONG_AGO = datetime.now(UTC) - timedelta(minutes=1)


class _Source:
    def __init__(self) -> None:
        self.pair: KeyPair | None = GOOD

    def read(self) -> KeyPair:
        if self.pair is None:
            raise CertificateError("nothing is there")
        return self.pair


@pytest.fixture
def source() -> _Source:
    return _Source()


@pytest.fixture
def certificate(source: _Source) -> ServingCertificate:
    return ServingCertificate("the source", source.read)


def _of_version(number: int) -> bytes:
    der = x509.load_pem_x509_certificate(GOOD.certificate_pem).public_bytes(Encoding.DER)
    changed = base64.encodebytes(der.replace(b"\xa0\x03\x02\x01\x02", bytes([0xA0, 3, 2, 1, number]), 1))
    return b"-----BEGIN CERTIFICATE-----\n" + changed + b"-----END CERTIFICATE-----\n"


BROKEN = [
    pytest.param(KeyPair(b"", GOOD.key_pem), "tls.crt is not a PEM certificate", id="no certificate"),
    pytest.param(KeyPair(GOOD.certificate_pem, b""), "tls.key is not a PEM private key", id="no key"),
    pytest.param(KeyPair(OTHER.certificate_pem, GOOD.key_pem), "tls.key does not belong to tls.crt", id="another key"),
    pytest.param(KeyPair(GOOD.certificate_pem[:300], GOOD.key_pem), "tls.crt", id="a certificate that is cut off"),
    pytest.param(
        KeyPair(_of_version(77), GOOD.key_pem), "tls.crt is not a PEM certificate", id="a version that there is not"
    ),
    pytest.param(_issued(lifetime=timedelta(seconds=1), now=_LONG_AGO), "tls.crt expired at", id="one that is over"),
    pytest.param(None, "nothing is there", id="nothing"),
]


class TestFollowing:
    def test_there_is_none_before_one_was_read(self, certificate: ServingCertificate) -> None:
        assert (certificate.current(), certificate.ends_at) == (None, None)

    def test_a_new_one_is_taken_over(self, certificate: ServingCertificate, source: _Source) -> None:
        certificate.load()
        assert certificate.current() == GOOD
        source.pair = OTHER
        certificate.load()
        assert certificate.current() == OTHER

    def test_the_same_content_is_the_same_object(self, certificate: ServingCertificate, source: _Source) -> None:
        certificate.load()
        before = certificate.current()
        source.pair = KeyPair(GOOD.certificate_pem[:], GOOD.key_pem[:])
        certificate.load()
        assert certificate.current() is before

    @pytest.mark.parametrize(("broken", "told"), BROKEN)
    def test_a_broken_one_is_told_once_and_changes_nothing(
        self,
        certificate: ServingCertificate,
        source: _Source,
        broken: KeyPair | None,
        told: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        certificate._poller.look()
        source.pair = broken
        for _ in range(3):
            certificate._poller.look()
        assert certificate.current() == GOOD
        messages = [record.getMessage() for record in caplog.records if told in record.getMessage()]
        assert len(messages) == 1
        assert "stays" in messages[0]
        source.pair = OTHER
        certificate._poller.look()
        assert certificate.current() == OTHER
        assert "PRIVATE" not in caplog.text

    @pytest.mark.parametrize(("broken", "told"), BROKEN)
    def test_a_broken_one_at_first_is_none(
        self, certificate: ServingCertificate, source: _Source, broken: KeyPair | None, told: str
    ) -> None:
        source.pair = broken
        with pytest.raises(CertificateError, match=told):
            certificate.load()
        assert certificate.current() is None

    def test_the_last_seconds_of_a_life_are_watched_more_closely(
        self, certificate: ServingCertificate, source: _Source
    ) -> None:
        assert certificate._pause_seconds() == 2.0
        certificate.load()
        assert certificate._pause_seconds() == 2.0
        source.pair = _issued(lifetime=timedelta(seconds=10))
        certificate.load()
        assert 0.25 <= certificate._pause_seconds() <= 1.0

    def test_files_are_named_when_they_are_not_there(self, tmp_path: Path) -> None:
        files = write(tmp_path / "certs", CA, GOOD)
        followed = ServingCertificate.of_files(CertificateFiles(files.certificate, files.key))
        followed.load()
        files.key.unlink()
        with pytest.raises(CertificateError, match=r"tls\.key cannot be read"):
            followed.load()
        assert followed.current() == GOOD


class _Client:
    """What is left of a socket when nobody shakes hands."""

    closed = False

    def close(self) -> None:
        self.closed = True


class TestHandshakes:
    def test_without_a_certificate_they_are_refused_without_a_word(self, caplog: pytest.LogCaptureFixture) -> None:
        client = _Client()
        with pytest.raises(GreenletExit):
            ServingTls(lambda: None).wrap_socket(client)
        assert client.closed
        assert caplog.records == []

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda state: state.update(pair=OTHER), id="another certificate"),
            pytest.param(lambda state: state.update(authorities=_authorities()), id="another CA of clients"),
        ],
    )
    def test_each_has_what_counts_at_its_moment(
        self, change: Callable[[dict[str, object]], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state: dict[str, object] = {"pair": GOOD, "authorities": None}
        contexts: list[ssl.SSLContext] = []
        monkeypatch.setattr("webhook.server.tls.BoundedContext.wrap_socket", lambda self, *_: contexts.append(self))
        tls = ServingTls(lambda: state["pair"], lambda: state["authorities"])  # type: ignore[arg-type,return-value]
        tls.wrap_socket(None)
        tls.wrap_socket(None)
        change(state)
        tls.wrap_socket(None)
        assert contexts[0] is contexts[1]
        assert contexts[2] is not contexts[0]

    def test_a_key_comes_into_no_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[str] = []

        class Context(ssl.SSLContext):
            def load_cert_chain(self, certfile: object, *_: object, **__: object) -> None:
                opened.append(str(certfile))
                super().load_cert_chain(str(certfile))

        load_pair(Context(ssl.PROTOCOL_TLS_SERVER), GOOD)
        assert opened[0].startswith("/proc/self/fd/")
        assert not Path(opened[0]).exists()


def _authorities() -> Authorities:
    return Authorities.parse(CA.certificate_pem.decode(), "here")
