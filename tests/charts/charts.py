"""The charts, their documented values, and what is looked up in their objects."""

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.keyhole.helm import Helm

FOLDER = Path(__file__).resolve().parents[2] / "charts"
KEYHOLE = FOLDER / "keyhole"
TENANT = FOLDER / "keyhole-tenant"
FULL = KEYHOLE / "ci" / "full-values.yaml"
WEBHOOK = ("Deployment", "keyhole-webhook")
CONTROLLER = ("Deployment", "keyhole-controller")
ENFORCER = ("CronJob", "keyhole-enforcer")
PAGE = ("Deployment", "keyhole-page")
Manifest = Mapping[str, Any]

CONNECTION = ("--set", "connections.default.address=https://vault.example:8200", "--set-json")
ONE_CONNECTION = (*CONNECTION, 'connections.default.auth={"method":"jwt","role":"keyhole-{namespace}"}')


def documented(chart: Path) -> list[Path]:
    """Return the files of values that stand beside a chart as examples."""
    return sorted((chart / "ci").glob("*-values.yaml"))


def each_documented(chart: Path, *, by_day: Collection[str] | None = None) -> list[Any]:
    """Return the same as parameters of a test; those that are not among `by_day`, if it is given, for the night."""
    return [
        pytest.param(file, id=file.stem, marks=() if by_day is None or file.stem in by_day else pytest.mark.nightly)
        for file in documented(chart)
    ]


@functools.cache
def rendered(helm: Helm, *settings: str) -> Sequence[Manifest]:
    """Return the objects of the chart keyhole with one connection, and with these KEY=VALUE."""
    return helm.template(KEYHOLE, *ONE_CONNECTION, *(part for setting in settings for part in ("--set", setting)))


@functools.cache
def of_values(helm: Helm, values: Path, release: str = "keyhole", namespace: str = "keyhole") -> Sequence[Manifest]:
    """Return the objects of the chart keyhole with a file of values."""
    return helm.template(KEYHOLE, "-f", str(values), release=release, namespace=namespace)


def the(manifests: Iterable[Manifest], kind: str, name: str) -> Manifest:
    """Return the one object of that kind and name."""
    (found,) = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def named(manifests: Iterable[Manifest]) -> set[tuple[str, str]]:
    """Return kind and name of each object."""
    return {(one["kind"], one["metadata"]["name"]) for one in manifests}


def pod_of(workload: Manifest) -> Manifest:
    """Return the spec of the pods of a Deployment or a CronJob."""
    spec = workload["spec"]["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else workload["spec"]
    found: Manifest = spec["template"]["spec"]
    return found


def container(workload: Manifest) -> Manifest:
    """Return the one container of a workload's pods."""
    (found,) = pod_of(workload)["containers"]
    assert isinstance(found, dict)
    return found


def option(workload: Manifest, name: str) -> list[str]:
    """Return what a workload's command is told by an option, each time that it is given."""
    prefix = f"--{name}="
    return [each.removeprefix(prefix) for each in container(workload)["args"] if each.startswith(prefix)]


def values(chart: Path) -> dict[str, Any]:
    """Return a chart's default values."""
    read: dict[str, Any] = yaml.safe_load((chart / "values.yaml").read_text())
    return read


def volume(workload: Manifest, name: str) -> Mapping[str, Any]:
    (found,) = [one for one in pod_of(workload)["volumes"] if one["name"] == name]
    assert isinstance(found, dict)
    return found
