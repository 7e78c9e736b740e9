"""The certificates in real TLS handshakes on 127.0.0.1."""

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from certs.files import CertificateFiles, write
from certs.issue import issue_ca, issue_serving
from certs.names import service_names

NAMES = (*service_names("keyhole", "vault"), "localhost", "127.0.0.1")
TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Server:
    """A TLS server on loopback, and the files it serves with."""

    port: int
    files: CertificateFiles


@pytest.fixture(scope="module", name="server")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    ca = issue_ca()
    files = write(tmp_path_factory.mktemp("certs") / "served", ca, issue_serving(ca, NAMES))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        thread.start()
        yield Server(listener.getsockname()[1], files)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(TIMEOUT_SECONDS)
    assert not thread.is_alive()


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            with context.wrap_socket(connection, server_side=True) as stream:
                stream.sendall(b"served")
        except OSError:
            # A client that refuses the certificate breaks the handshake off.
            connection.close()


def greet(server: Server, name: str, ca_certificate: Path) -> bytes:
    """Connect as a client that demands a certificate for `name` under that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    # Python 3.13 checks this strictly by default: what passes there must pass here.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(ca_certificate)
    address = ("127.0.0.1", server.port)
    with (
        socket.create_connection(address, TIMEOUT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=name) as stream,
    ):
        return stream.recv(16)


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_accepted(server: Server, name: str) -> None:
    assert greet(server, name, server.files.ca_certificate) == b"served"


@pytest.mark.parametrize("name", ["other", "keyhole.other.svc", "evil.keyhole.vault.svc", "127.0.0.2"])
def test_a_name_that_the_certificate_does_not_bear_is_refused(server: Server, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid for"):
        greet(server, name, server.files.ca_certificate)


def test_another_authority_of_the_same_name_does_not_vouch_for_it(server: Server, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    other.write_bytes(issue_ca().certificate_pem)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|unable to get local issuer|signature"):
        greet(server, "keyhole", other)


@pytest.mark.parametrize("own_first", [True, False], ids=["own authority first", "own authority last"])
def test_while_authorities_overlap_the_right_one_is_found(server: Server, tmp_path: Path, *, own_first: bool) -> None:
    own = server.files.ca_certificate.read_bytes()
    other = issue_ca().certificate_pem
    both = tmp_path / "both.crt"
    both.write_bytes(own + other if own_first else other + own)
    assert greet(server, "keyhole", both) == b"served"
