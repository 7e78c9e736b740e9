from pathlib import Path

import pytest

from testbed.servers.pki import Authority
from tests.webhook.callers import authorities, authority, caller, certificate
from webhook.callerauth.caller import Authorities, CallerRefused, PeerCertificate, ProofUnreadable
from webhook.callerauth.client_certificate import ClientCertificate

NAMES = frozenset({"kube-apiserver", "apiserver.example", "spiffe://cluster/apiserver"})


@pytest.fixture
def trusted(tmp_path: Path) -> Authority:
    return authority(tmp_path)


@pytest.fixture
def check(trusted: Authority) -> ClientCertificate:
    check = ClientCertificate(trusted.file, NAMES)
    check.load()
    return check


@pytest.mark.parametrize(
    ("common", "alternative"),
    [
        ("kube-apiserver", frozenset()),
        ("other", frozenset({"apiserver.example"})),
        ("other", frozenset({"a.example", "spiffe://cluster/apiserver"})),
    ],
)
def test_any_of_the_names_will_do(
    check: ClientCertificate, trusted: Authority, common: str, alternative: frozenset[str]
) -> None:
    check.check(caller(certificate(authorities(trusted), common, alternative=alternative)))


@pytest.mark.parametrize("common", ["kubelet", "kube-apiserver.example", "KUBE-APISERVER", "", "kube-apiserver,x"])
def test_another_name_is_refused(check: ClientCertificate, trusted: Authority, common: str) -> None:
    with pytest.raises(CallerRefused, match="none of the allowed names"):
        check.check(caller(certificate(authorities(trusted), common)))


def test_without_a_certificate_it_is_refused(check: ClientCertificate) -> None:
    with pytest.raises(CallerRefused, match="no client certificate"):
        check.check(caller(None))


def test_the_file_is_read_again(check: ClientCertificate, trusted: Authority, tmp_path: Path) -> None:
    (tmp_path / "next").mkdir()
    following = authority(tmp_path / "next")
    before = certificate(authorities(trusted), "kube-apiserver")
    trusted.file.write_bytes(following.pem)
    check.load()
    assert check.authorities == authorities(following)
    with pytest.raises(CallerRefused, match="no longer counts"):
        check.check(caller(before))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_comment_in_any_language_is_no_matter(check: ClientCertificate, trusted: Authority, encoding: str) -> None:
    trusted.file.write_bytes("# Zertifizierungsstelle für Köln\n".encode(encoding) + trusted.pem)
    check.load()
    assert check.authorities.certificates == authorities(trusted).certificates
    check.check(caller(certificate(authorities(trusted), "kube-apiserver")))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "no certificates in PEM", id="an empty file"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\n", "no certificates in PEM", id="half a certificate"),
        pytest.param(b"\xff", "holds no certificates in PEM", id="no text"),
        pytest.param(b" " * (1024 * 1024 + 1), "larger than", id="a large file"),
        pytest.param(None, "cannot be read: No such file", id="no file"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_what_was_known_stays(
    check: ClientCertificate, trusted: Authority, content: bytes | None, problem: str
) -> None:
    trusted.file.unlink()
    if content is not None:
        trusted.file.write_bytes(content)
    with pytest.raises(ProofUnreadable, match=problem):
        check.load()
    check.check(caller(certificate(authorities(trusted), "kube-apiserver")))


def test_what_python_tells_of_a_certificate() -> None:
    told = {
        "subject": ((("organizationName", "system:masters"),), (("commonName", "kube-apiserver"),)),
        "subjectAltName": (
            ("DNS", "apiserver.example"),
            ("URI", "spiffe://cluster/apiserver"),
            ("IP Address", "10.0.0.1"),
            ("email", "apiserver@example"),
        ),
    }
    assert PeerCertificate.parse(told, Authorities()) == PeerCertificate(
        frozenset({"kube-apiserver"}), frozenset({"apiserver.example", "spiffe://cluster/apiserver"}), Authorities()
    )


def test_a_connection_is_known_by_an_allowed_name_under_a_ca_that_counts(
    check: ClientCertificate, trusted: Authority, tmp_path: Path
) -> None:
    assert check.knows(certificate(authorities(trusted), "kube-apiserver"))
    assert not check.knows(certificate(authorities(trusted), "kubelet"))
    (tmp_path / "other").mkdir()
    assert not check.knows(certificate(authorities(authority(tmp_path / "other")), "kube-apiserver"))
