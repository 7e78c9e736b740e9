"""Callers as the checks see them, and CAs."""

from pathlib import Path

from testbed.servers.pki import Authority
from webhook.callerauth.caller import Authorities, Caller, PeerCertificate


def authorities(*given: Authority) -> Authorities:
    return Authorities.parse("".join(authority.pem.decode() for authority in given), "the test")


def caller(
    certificate: PeerCertificate | None = None, *, method: str = "POST", path: str = "/mutate", **headers: str
) -> Caller:
    """Return a caller; headers as in WSGI, without their prefix: X_REMOTE_USER."""
    return Caller(method, path, {f"HTTP_{name}": value for name, value in headers.items()}, certificate)


def certificate(given: Authorities, *common_names: str, alternative: frozenset[str] = frozenset()) -> PeerCertificate:
    return PeerCertificate(frozenset(common_names), alternative, given)


def authority(directory: Path, name: str = "front-proxy-ca") -> Authority:
    return Authority(directory, name)
