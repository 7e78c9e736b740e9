"""Types and options of `keyhole changes`."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cli.errors import NotDoneError

if TYPE_CHECKING:
    from changes.sources.source import Source

FORMS: Final = ("text", "json", "csv", "html")
_AGO: Final = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class TimeType(click.ParamType[datetime]):
    """A day, a time (ISO 8601), or how long ago: `2026-11-01`, `2026-11-01T08:00Z`, `12h`. In UTC without a zone."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Parse it, or fail with a usage error (click's hook)."""
        if isinstance(value, datetime):
            return value
        ago = _AGO.fullmatch(value)
        try:
            if ago is not None:
                return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            told = "is neither a time, such as 2026-11-01 or 2026-11-01T08:00Z, nor how long ago, such as 12h or 7d"
            self.fail(f"{value!r} {told}", param, ctx)


def kind_name_group(kind: str, name: str) -> tuple[str, str, str | None]:
    """Return kind, name and group for `KIND` or `KIND.GROUP`; None as the group stands for any."""
    short, separator, group = kind.partition(".")
    return short, name, group if separator else None


def logs_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--logs`, and where the pods of the webhook are."""
    logs = click.option("--logs", is_flag=True, help="Read the logs of the webhook's pods, as far back as they go.")
    where = click.option(
        "--keyhole-namespace", default="keyhole", show_default=True, help="With --logs: where those pods are."
    )
    kubeconfig = click.option(
        "--kubeconfig",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="KUBECONFIG",
        default=lambda: str(Path.home() / ".kube" / "config"),
        show_default="~/.kube/config",
        help="With --logs: your kubeconfig; KUBECONFIG names it too.",
    )
    context = click.option("--context", help="With --logs: the context of the kubeconfig.")
    return logs(where(kubeconfig(context(command))))


def pod_logs(kubeconfig: Path, context: str | None, namespace: str) -> "Source":
    """Return the logs of the webhook's pods in a namespace, as a source. Raises `NotDoneError`."""
    from changes.sources.logs import PodLogs
    from kube.client import connect
    from kube.errors import KubernetesUnavailable

    try:
        return PodLogs(connect(kubeconfig, context), namespace)
    except KubernetesUnavailable as error:
        raise NotDoneError(str(error)) from None
