"""A real Prometheus that scrapes what it is told to, until a block ends."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from testbed import Testbed
from testbed.servers.ports import free_port
from testbed.servers.supervision import Server
from tests.boards.programs import program
from tests.e2e.processes import eventually

_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Target:
    """What is scraped: `address` is HOST:PORT, `labels` are what an installation's own discovery would add."""

    job: str
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further members of the job in Prometheus' configuration."""


@dataclass(frozen=True)
class Prometheus:
    """One that runs. `url` is where it is asked."""

    url: str
    server: Server
    rules: Path
    """The folder from which further rules come."""

    def query(self, expression: str) -> Sequence[Mapping[str, Any]]:
        """Return the series that an expression has now, each with `metric` and `value`."""
        return self._get("query", query=expression)

    def query_range(self, expression: str, start: float, end: float, step: float) -> Sequence[Mapping[str, Any]]:
        """Return the series of an expression, each with `metric` and `values`."""
        return self._get("query_range", query=expression, start=start, end=end, step=step)

    def parsed(self, expression: str) -> Mapping[str, Any]:
        """Return the syntax tree of an expression. Fails if it is none."""
        found: Mapping[str, Any] = self._data("parse_query", query=expression)
        return found

    def alerts(self) -> Sequence[Mapping[str, Any]]:
        """Return the alerts that are pending or fire."""
        found: Sequence[Mapping[str, Any]] = self._data("alerts")["alerts"]
        return found

    def wait_until_scraped(self, *jobs: str) -> None:
        """Wait until each target of these jobs was scraped without an error."""
        for job in jobs:
            eventually(lambda: {each["value"][1] for each in self.query(f'up{{job="{job}"}}')} == {"1"}, f"{job} is up")  # noqa: B023 - called in this turn

    def judge_by(self, rules: Path) -> None:
        """Evaluate the rules of a file too, from now on.

        Those that Prometheus has from the start are evaluated for some seconds before anything is scraped: all is
        absent then, which matters to rules that wait for seconds only.
        """
        shutil.copy(rules, self.rules)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"{self.url}/-/reload", timeout=30)
        assert answer.ok, answer.text

    def _get(self, kind: str, **parameters: object) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self._data(kind, **parameters)["result"]
        return found

    def _data(self, kind: str, **parameters: object) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            # Expressions may be longer than an address may be; what is not asked with one is only served by GET.
            method, where = ("POST", "data") if parameters else ("GET", "params")
            answer = session.request(method, f"{self.url}/api/v1/{kind}", timeout=30, **{where: parameters})  # type: ignore[arg-type]
        assert answer.ok, f"{parameters}: {answer.text}"
        return answer.json()["data"]


def answers(url: str) -> bool:
    """Say whether somebody answers there that all is well."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return bool(session.get(url, timeout=2).ok)
        except requests.RequestException:
            return False


@contextlib.contextmanager
def prometheus(
    bed: Testbed,
    directory: Path,
    targets: Sequence[Target],
    *,
    rules: Sequence[Path] = (),
    alertmanager: str | None = None,
    interval: str = "1s",
    external: Mapping[str, str] | None = None,
) -> Iterator[Prometheus]:
    """Run Prometheus until the block ends, which begins when it answers; `wait_until_scraped` waits for the targets.

    `rules` are files of rules, evaluated each `interval`; `alertmanager` is the HOST:PORT to which alerts are sent,
    with the `external` labels.
    """
    further = directory / "rules"
    further.mkdir(parents=True)
    configuration: dict[str, Any] = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
            "external_labels": dict(external or {}),
        },
        "rule_files": [*map(str, rules), f"{further}/*.yaml"],
        "scrape_configs": [
            {
                "job_name": each.job,
                "static_configs": [{"targets": [each.address], "labels": dict(each.labels)}],
                **each.more,
            }
            for each in targets
        ],
    }
    if alertmanager:
        configuration["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    file = directory / "prometheus.yaml"
    file.write_text(yaml.safe_dump(configuration))
    port = free_port()
    command = [
        *(program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={directory / 'data'}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--web.cors.origin=.*"),
        "--web.enable-lifecycle",
    ]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(directory)}
    server = bed.run("prometheus", command, directory / "prometheus.log", environment)
    url = f"http://127.0.0.1:{port}"
    try:
        server.wait_until(lambda: answers(f"{url}/-/ready"), _READY_SECONDS)
        yield Prometheus(url, server, further)
    finally:
        server.stop(grace_seconds=30)
