"""Types of arguments and options that several commands share."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kube.objects import ObjectName
    from manifests.kinds.known import Kinds
    from webhook.server.settings import Address


class ObjectNameType(click.ParamType["ObjectName"]):
    """NAMESPACE/NAME of an object."""

    name = "namespace/name"

    def convert(
        self, value: "str | ObjectName", param: click.Parameter | None, ctx: click.Context | None
    ) -> "ObjectName":
        """Parse it, or fail with a usage error (click's hook)."""
        from kube.objects import ObjectName

        if isinstance(value, ObjectName):
            return value
        try:
            return ObjectName.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class AddressType(click.ParamType["Address"]):
    """HOST:PORT to listen on. Without a host, on every interface."""

    name = "host:port"

    def convert(self, value: "str | Address", param: click.Parameter | None, ctx: click.Context | None) -> "Address":
        """Parse it, or fail with a usage error (click's hook)."""
        from webhook.server.settings import Address

        if isinstance(value, Address):
            return value
        host, _, port = value.rpartition(":")
        if ":" not in value or not port.isascii() or not port.isdigit() or not 0 < int(port) < 2**16:
            self.fail(f"{value!r} is not HOST:PORT, such as 0.0.0.0:8443 or [::]:8443", param, ctx)
        return Address(host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 - ":8443" means every interface


class KvType(click.ParamType[tuple[str, int]]):
    """MOUNT=1 or MOUNT=2: the KV version of a mount."""

    name = "mount=1|2"

    def convert(
        self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Parse it, or fail with a usage error (click's hook)."""
        if isinstance(value, tuple):
            return value
        mount, _, version = value.rpartition("=")
        mount = mount.strip("/")
        if version not in {"1", "2"}:
            self.fail(f"{value!r} is not MOUNT=1 or MOUNT=2, such as secret=2", param, ctx)
        from resolver.references import paths as vault_paths

        try:
            vault_paths.check(f"{mount}/any")
        except vault_paths.PathError as error:
            self.fail(f"{value!r}: {error.reason}", param, ctx)
        return mount, int(version)


class KindsType(click.ParamType["Kinds"]):
    """A file with the administrator's list of kinds."""

    name = "file"

    def convert(self, value: "str | Kinds", param: click.Parameter | None, ctx: click.Context | None) -> "Kinds":
        """Read it, or fail with a usage error (click's hook)."""
        from manifests.kinds.known import Kinds
        from manifests.kinds.listed import MOST_BYTES, KindsError, read
        from resolver.connections import bounded_file

        if isinstance(value, Kinds):
            return value
        try:
            return read(bounded_file.read_bytes(Path(value), MOST_BYTES))
        except OSError as error:
            self.fail(f"{value!r} cannot be read: {error.strerror}", param, ctx)
        except (KindsError, bounded_file.TooLarge) as error:
            self.fail(f"{value!r}: {error}", param, ctx)


_DURATION = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)


class DurationType(click.ParamType[timedelta]):
    """A time as Go and Kubernetes write it, in hours, minutes and whole seconds: 2160h, 1h30m, 10s."""

    name = "duration"

    def __init__(self, shortest: timedelta, longest: timedelta) -> None:
        self._shortest = shortest
        self._longest = longest

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Parse it, or fail with a usage error if it is not a time or out of bounds (click's hook)."""
        if isinstance(value, timedelta):
            return value
        found = _DURATION.fullmatch(value)
        if not value or found is None:
            self.fail(f"{value!r} is not a time such as 2160h, 1h30m or 10s", param, ctx)
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        total_seconds = hours * 3600 + minutes * 60 + seconds
        if not self._shortest.total_seconds() <= total_seconds <= self._longest.total_seconds():
            self.fail(f"{value!r} is not between {_written(self._shortest)} and {_written(self._longest)}", param, ctx)
        return timedelta(seconds=total_seconds)


def _written(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds}s"


kubeconfig_option = click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The kubeconfig of the API server. Not needed inside a cluster.",
)

kinds_option = click.option(
    "--kinds",
    type=KindsType(),
    help="The kinds that Keyhole fills beside Secrets (YAML or JSON); docs/configuration.md says what the file holds.",
)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--log-level` and `--log-format`, which `runtime.logs.configure` takes."""
    levels = click.Choice(["debug", "info", "warning", "error"])
    forms = click.Choice(["console", "json"])
    form = click.option(
        "--log-format", type=forms, default="console", show_default=True, help="The format of log lines."
    )
    level = click.option(
        "--log-level", type=levels, default="info", show_default=True, help="The least severe messages to log."
    )
    return level(form(command))
