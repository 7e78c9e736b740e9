"""The modes of `--caller-auth`, as settings and as checks."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kube.registration.request_header import RequestHeader
from webhook.callerauth.aggregation import Aggregation
from webhook.callerauth.bearer_token import BearerToken
from webhook.callerauth.caller import Caller, CallerCheck, PeerCertificate
from webhook.callerauth.client_certificate import ClientCertificate


class CallerMode(StrEnum):
    """How a caller has to prove that it is the API server."""

    AGGREGATION = "aggregation"
    CLIENT_CERTIFICATE = "client-certificate"
    TOKEN = "token"  # noqa: S105 - a mode's name
    NONE = "none"


class CallerSettingsError(ValueError):
    """A mode lacks an option that it needs, or has one that belongs to another mode. The message names the option."""


@dataclass(frozen=True, slots=True)
class CallerSettings:
    """A mode and its options: `ca_file` and `names` for client certificates, `token_files` for tokens."""

    mode: CallerMode
    ca_file: Path | None = None
    names: frozenset[str] = frozenset()
    token_files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        given = {
            "--caller-ca": self.ca_file is not None,
            "--caller-name": bool(self.names),
            "--caller-token-file": bool(self.token_files),
        }
        needed = {
            CallerMode.CLIENT_CERTIFICATE: {"--caller-ca", "--caller-name"},
            CallerMode.TOKEN: {"--caller-token-file"},
        }.get(self.mode, set())
        for option, is_given in given.items():
            if is_given != (option in needed):
                how = "does not take" if is_given else "needs"
                raise CallerSettingsError(f"--caller-auth={self.mode} {how} {option}")


class Anyone:
    """A `webhook.callerauth.caller.CallerCheck` that lets in whoever asks."""

    authorities = None
    proves = False
    last_read_at = None

    def check(self, caller: Caller) -> None:
        """Let the caller in."""

    def knows(self, _certificate: PeerCertificate) -> bool:
        """Return False: no certificate proves anything."""
        return False

    def is_ready(self) -> bool:
        """Return True."""
        return True

    def load(self) -> None:
        """Do nothing."""

    start = close = load


def caller_check(
    settings: CallerSettings, read_request_header: Callable[[float], RequestHeader] | None = None
) -> CallerCheck:
    """Return the check for a mode, not started yet. Mode `aggregation` needs `read_request_header`."""
    if settings.mode is CallerMode.AGGREGATION:
        if read_request_header is None:
            raise TypeError("mode aggregation reads the request header's configuration from the API server")
        return Aggregation(read_request_header)
    if settings.ca_file is not None:
        return ClientCertificate(settings.ca_file, settings.names)
    if settings.mode is CallerMode.TOKEN:
        return BearerToken(settings.token_files)
    return Anyone()
