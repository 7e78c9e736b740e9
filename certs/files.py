"""Certificates and keys as files that only their owner can read.

Every file is made with mode 0600 under a temporary name and gets its own name when it is complete, so that
nobody finds one that is half-written or readable by others, whatever the umask. The four files change one
after the other: a process killed in between leaves parts that do not fit, which `read` reports.
"""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from certs.bundle import CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY, Bundle, findings
from certs.errors import AlreadyThereError, StoreError, UnfitError
from certs.keypair import KeyPair

_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """The paths of the parts.

    A webhook serves with `certificate` and `key`, an API server trusts `ca_certificate`; `ca_key` is for
    issuing the next certificate and belongs on neither.
    """

    ca_certificate: Path
    ca_key: Path
    certificate: Path
    key: Path

    @classmethod
    def within(cls, directory: Path) -> "CertificateFiles":
        """Return the paths below `directory`, without looking at them."""
        return cls(directory / CA_CERTIFICATE, directory / CA_KEY, directory / CERTIFICATE, directory / KEY)


def write(directory: Path, ca: KeyPair, serving: KeyPair, *, overwrite: bool = False) -> CertificateFiles:
    """Write the authority and the serving certificate into `directory`.

    A missing `directory` is made with mode 0700, its parents are not. Nothing changes there before all four
    files are complete under their temporary names. Raises AlreadyThereError when a file stands there and
    `overwrite` is false, StoreError for whatever else the file system refuses.
    """
    files = CertificateFiles.within(directory)
    contents = {
        files.ca_key: ca.key_pem,
        files.ca_certificate: ca.certificate_pem,
        files.key: serving.key_pem,
        files.certificate: serving.certificate_pem,
    }
    made = _make_directory(directory)
    try:
        for path in contents:
            _check_free(path, overwrite=overwrite)
        _write_all(directory, contents, overwrite=overwrite)
    except OSError as error:
        raise StoreError(directory, error.strerror or type(error).__name__) from error
    finally:
        if made:
            # The folder stays if it has the files. An empty one that we created is litter.
            with suppress(OSError):
                directory.rmdir()
    return files


def load(directory: Path) -> Bundle:
    """Read what `write` wrote, unchecked. `ca.key` may be missing; other missing files raise UnfitError."""
    has_ca_key = (directory / CA_KEY).exists()
    return Bundle(
        ca_certificate_pem=_content(directory, CA_CERTIFICATE),
        ca_key_pem=_content(directory, CA_KEY) if has_ca_key else None,
        serving=KeyPair(certificate_pem=_content(directory, CERTIFICATE), key_pem=_content(directory, KEY)),
    )


def read(directory: Path, now: datetime | None = None) -> Bundle:
    """Read what `write` wrote, and check that it can be served.

    `now` is an aware datetime, by default the present. Raises UnfitError naming the file and the first of
    its `findings`.
    """
    bundle = load(directory)
    for finding in findings(bundle, datetime.now(UTC) if now is None else now):
        raise UnfitError(finding.part, finding.reason, directory)
    return bundle


def _make_directory(directory: Path) -> bool:
    # Parents are not created: with a wide umask, others could replace the folder that we fill.
    try:
        directory.mkdir(_DIRECTORY_MODE)
        directory.chmod(_DIRECTORY_MODE)
    except FileExistsError:
        if not directory.is_dir():
            raise StoreError(directory, "is not a folder") from None
        return False
    except FileNotFoundError:
        raise StoreError(directory.parent, "does not exist") from None
    except OSError as error:
        raise StoreError(directory, error.strerror or type(error).__name__) from error
    return True


def _check_free(path: Path, *, overwrite: bool) -> None:
    if path.is_dir() and not path.is_symlink():
        raise StoreError(path, "is a folder")
    if not overwrite and os.path.lexists(path):
        raise AlreadyThereError(path, "is already there")


def _write_all(directory: Path, contents: dict[Path, bytes], *, overwrite: bool) -> None:
    temporary: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            temporary[path] = directory / f".{path.name}.{secrets.token_hex(8)}"
            _write_new(temporary[path], content)
        if overwrite:
            for path, source in temporary.items():
                source.replace(path)
        else:
            _link_all(temporary)
        _flush_directory(directory)
    finally:
        for source in temporary.values():
            source.unlink(missing_ok=True)


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, _FILE_MODE)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _link_all(temporary: dict[Path, Path]) -> None:
    # A link fails where a rename would replace what another process has just written.
    linked: list[Path] = []
    try:
        for path, source in temporary.items():
            path.hardlink_to(source)
            linked.append(path)
    except OSError as error:
        for path in linked:
            path.unlink()
        if isinstance(error, FileExistsError):
            raise AlreadyThereError(path, "is already there") from None
        raise


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _content(directory: Path, part: str) -> bytes:
    try:
        return (directory / part).read_bytes()
    except OSError as error:
        raise UnfitError(part, f"cannot be read: {error.strerror or type(error).__name__}", directory) from error
