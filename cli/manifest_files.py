"""What `keyhole manifests` takes and writes: names, paths, a CA bundle, and YAML."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
import yaml

from cli.errors import NotDoneError, tell

# A namespace or Service is named by a DNS label (RFC 1123), other objects by a DNS subdomain.
LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
SUBDOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


class NameType(click.ParamType[str]):
    """A name that fits `LABEL` or `SUBDOMAIN`."""

    name = "name"

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it, or fail with a usage error (click's hook)."""
        if not self._pattern.fullmatch(value):
            self.fail(f"{value!r} is not a name: lower-case letters, digits and hyphens, as in keyhole-2", param, ctx)
        return value


class AbsolutePathType(click.ParamType[Path]):
    """A path on the API server's machine, which is not this one."""

    name = "path"

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Check it, or fail with a usage error if it is relative (click's hook)."""
        if not Path(value).is_absolute():
            self.fail(f"{str(value)!r} is not absolute; it names a file on the API server's machine", param, ctx)
        return Path(value)


def url_of(url: str) -> str:
    """Return the URL if the API server takes it, which wants https and neither a user, a query nor a fragment."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or "@" in url or "?" in url or "#" in url:
        raise click.UsageError(f"--url: {url!r} is not like https://HOST:8443/mutate")
    return url


def ca(file: Path) -> bytes:
    """Return the certificates of a CA bundle. A private key in the file would be published along with them."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise NotDoneError(f"{file} cannot be read: {error.strerror or type(error).__name__}") from None
    if b"PRIVATE KEY" in text:
        raise NotDoneError(f"{file} holds a private key, which must not be published; give the certificate alone")
    certificates = _CERTIFICATE.findall(text)
    if not certificates:
        raise NotDoneError(f"{file} holds no certificate (PEM); `keyhole certs issue` writes one to ca.crt")
    return b"".join(certificate + b"\n" for certificate in certificates)


class _Dumper(yaml.SafeDumper):
    """Writes shared parts out in full. By default they would become anchors, which few expect in a manifest."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - yaml's signature
        return True


def write(documents: Sequence[Mapping[str, Any]], output: Path | None) -> None:
    """Write YAML documents to a file, or to standard output; raises `NotDoneError`."""
    text = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    if output is None:
        click.echo(text.encode(), nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotDoneError(f"{output} cannot be written: {error.strerror or type(error).__name__}") from None
    tell(f"wrote {output}", err=True)
