"""What a TLS handshake shows of a server's certificate, on sockets of this machine."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.issue import issue_ca, issue_serving
from certs.keypair import KeyPair
from enforcer.collecting.gate.handshake import served
from enforcer.facts.base import NotKnown
from enforcer.facts.gate import ServedCertificate

NAME = "keyhole.keyhole.svc"
CA = issue_ca()


@contextlib.contextmanager
def serving(directory: Path, serving: KeyPair, *, asks_for_certificates: bool = False) -> Iterator[int]:
    """Serve handshakes on a port of loopback until the block ends."""
    certificate, key = directory / "tls.crt", directory / "tls.key"
    certificate.write_bytes(serving.certificate_pem)
    key.write_bytes(serving.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if asks_for_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=CA.certificate_pem.decode())
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.recv(1)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("asks", [False, True])
def test_a_certificate_that_the_bundle_vouches_for_says_when_it_ends(tmp_path: Path, *, asks: bool) -> None:
    pair = issue_serving(CA, [NAME], lifetime=timedelta(days=3))
    with serving(tmp_path, pair, asks_for_certificates=asks) as port:
        found = served("127.0.0.1", port, CA.certificate_pem, name=NAME)
    assert isinstance(found, ServedCertificate)
    assert (found.vouched, found.problem, found.address) == (True, "", f"{NAME}:{port}")
    assert found.ends is not None
    assert abs(found.ends - datetime.now(UTC) - timedelta(days=3)) < timedelta(hours=1)


def test_one_that_it_does_not_vouch_for_says_why(tmp_path: Path) -> None:
    with serving(tmp_path, issue_serving(CA, [NAME])) as port:
        of_another = served("127.0.0.1", port, issue_ca().certificate_pem, name=NAME)
        for_another = served("127.0.0.1", port, CA.certificate_pem, name="other.keyhole.svc")
        no_bundle = served("127.0.0.1", port, b"", name=NAME)
        no_certificates = served("127.0.0.1", port, b"not a certificate", name=NAME)
    assert isinstance(of_another, ServedCertificate)
    assert not of_another.vouched
    assert "certificate" in of_another.problem
    assert isinstance(for_another, ServedCertificate)
    assert "other.keyhole.svc" in for_another.problem
    assert isinstance(no_bundle, ServedCertificate)
    assert (no_bundle.vouched, no_bundle.problem) == (False, "it has been given no CA bundle")
    assert isinstance(no_certificates, ServedCertificate)
    assert (no_certificates.vouched, no_certificates.problem) == (False, "the CA bundle holds no certificates")


def test_a_server_that_cannot_be_reached_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for host in ("127.0.0.1", "nowhere.invalid"):
        found = served(host, port, CA.certificate_pem)
        assert isinstance(found, NotKnown)
        assert found.not_known.startswith(f"{host}:{port} cannot be reached from where this runs: ")


def test_one_that_says_nothing_is_waited_for_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = served("127.0.0.1", listener.getsockname()[1], CA.certificate_pem, seconds=0.2)
    assert isinstance(found, NotKnown)
