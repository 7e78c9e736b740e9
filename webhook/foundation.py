"""What every worker begins with, as far as it comes from files. The master keeps reading it; forked workers inherit it.

A worker may be forked at any time, even while a file is broken or gone. It must not be stricter when it starts than the
others are while they run. So it begins with the last contents that the master found valid, and reads on from there.
"""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from audit.errors import AuditError
from audit.key import AuditKey, load_key
from resolver.connections.files import look, usable
from resolver.connections.model import ConfigurationError, Connection
from runtime.bugs import described
from webhook.callerauth.caller import CallerCheck, ProofUnreadable
from webhook.server.serving_certificate import CertificateError, ServingCertificate

log = logging.getLogger("keyhole.server")

FOLLOW_SECONDS: Final = 5.0
# Whoever writes a file piece by piece has written the next piece by then.
_SECOND_LOOK_SECONDS = 0.1


class Foundation:
    """Made in the master. `certificate` and `caller` are None if they do not come from files.

    The master starts neither. Each worker starts the copy that it inherits.
    """

    def __init__(
        self,
        connections_file: Path,
        certificate: ServingCertificate | None = None,
        caller: CallerCheck | None = None,
        audit_key_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` returns seconds and never goes back."""
        self._clock = clock
        self._follow_at = clock() + FOLLOW_SECONDS
        self._file = connections_file
        self._audit_key_file = audit_key_file
        self._seen = look(connections_file)
        self.certificate = certificate
        self.caller = caller
        self.connections: Mapping[str, Connection] = {}
        self.audit_key: AuditKey | None = None

    def check(self) -> None:
        """Read everything; all of it must be valid.

        Raises `ConfigurationError`, `webhook.server.serving_certificate.CertificateError`,
        `audit.errors.AuditError` or `webhook.callerauth.caller.ProofUnreadable`.
        """
        found = usable(self._seen, self._file)
        if found.rejected:
            raise ConfigurationError("; ".join(found.rejected.values()))
        self.connections = found.connections
        self._read_certificate()
        self._read_audit_key()
        self._read_caller()

    def follow(self) -> None:
        """Read everything again if it is time to. Running workers pick changes up, so a later one must begin with them.

        Call this often, in the master. What is invalid stays as it was; the workers log it.
        """
        now = self._clock()
        if now >= self._follow_at:
            self._follow_at = now + FOLLOW_SECONDS
            self._read_again(logging.DEBUG)

    def refresh(self) -> None:
        """Read everything again before a fork. What is invalid stays as it was, and the log says so."""
        self._read_again(logging.WARNING)

    def _read_again(self, level: int) -> None:
        for read in (self._read_connections, self._read_certificate, self._read_audit_key, self._read_caller):
            _attempt(read, level)

    def _read_connections(self) -> None:
        seen = look(self._file, self._seen)
        if seen == self._seen:
            return
        time.sleep(_SECOND_LOOK_SECONDS)
        seen, before = look(self._file, seen), seen
        if seen != before:
            return  # somebody is still writing: the change is used once they are done
        found = usable(seen, self._file)
        kept = {name: self.connections[name] for name in found.rejected if name in self.connections}
        self._seen, self.connections = seen, {**found.connections, **kept}

    def _read_certificate(self) -> None:
        if self.certificate is not None:
            self.certificate.load()

    def _read_audit_key(self) -> None:
        file = self._audit_key_file
        # A pipe gives its key once. Opening it again could block the master for ever.
        if file is not None and (self.audit_key is None or not file.is_fifo()):
            self.audit_key = load_key(file)

    def _read_caller(self) -> None:
        if self.caller is not None:
            self.caller.load()


def _attempt(read: Callable[[], None], level: int) -> None:
    try:
        read()
    except (ConfigurationError, CertificateError, AuditError, ProofUnreadable) as error:
        log.log(level, "a new worker begins with what was valid before: %s", error)
    except Exception as error:  # noqa: BLE001 - a bug in the master would end every worker
        log.log(level, "bug while reading what workers begin with: %s", described(error))
