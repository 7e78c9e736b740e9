"""Charts in the shape of public ones, rendered by the real helm: twenty references in workloads of every kind."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from manifests.registration.webhook_configuration import VARIABLES_ENTRY, VARIABLES_IN_PLACE_ENTRY
from testbed.keyhole.helm import Helm
from tests.e2e.objects import Manifest
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic
from tests.e2e.variables.conftest import Making
from tests.e2e.variables.team import Team, until

CHARTS = Path(__file__).parent / "charts"
FIELDS = tuple(f"f{number}" for number in range(1, 21))
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod")
REFERENCES_IN_TEXTS = 20


@pytest.fixture
def objects(market: Team, tmp_path: Path) -> list[Manifest]:
    """Return the objects of the charts."""
    helm = Helm(market.bed.program("helm"), tmp_path)
    charts = sorted(CHARTS.iterdir())
    found = [dict(each) for chart in charts for each in helm.template(chart, release=f"shop-{chart.name}")]
    assert json.dumps(found).count("vault:secret/e2e/shop#") == REFERENCES_IN_TEXTS
    assert {each["kind"] for each in found} == set(KINDS)
    return found


def test_every_reference_reaches_its_container_and_no_value_anything_else(
    market: Team, objects: list[Manifest], plant: Planter, making: Making, traffic: Traffic
) -> None:
    values = plant.secret("shop", *FIELDS)
    whole = plant.secret("whole", "WHOLE")
    with making():
        market.cluster.apply(*objects, server_side=True)
        market.cluster.kubectl("create", "job", "--from=cronjob/shop-database-backup", "backup-now")
        apps = ("shop-cache-master", "shop-database", "shop-database-backup", "shop-database-migrate", "shop-site")
        for app in (*apps, "shop-site-agent", "shop-site-test"):
            until(market, lambda app=app: market.pods(app), f"a pod of {app}")  # type: ignore[misc]
        until(market, lambda: _needed(market) <= market.generated().keys(), "the Secrets of all pods")
    sent = sum(traffic.questions("market", entry) for entry in (VARIABLES_ENTRY, VARIABLES_IN_PLACE_ENTRY))
    assert sent == len(objects), "no pod of them and no Job of a CronJob"
    assert {value for value in values.values() if any(value in text for text in _filled(market).values())} >= {
        values[field] for field in FIELDS if field not in {"f3", "f12", "f14"}
    }
    assert {whole["WHOLE"]} == {value for key, value in _filled(market).items() if key.endswith("/WHOLE")}
    _has_it(market, "shop-cache-master", "redis", ["REDIS_PASSWORD", "REDIS_URL", "_REDIS_ACL", "REDIS_MASTER_HOST"])
    _has_it(market, "shop-cache-master", "metrics", ["REDIS_EXPORTER_TOKEN", "_METRICS_KEY", "REDIS_ALIAS"])
    _has_it(market, "shop-cache-master", "volume-permissions", ["REDIS_PASSWORD"])
    _has_it(market, "shop-site", "reload", ["SESSION_KEY", "WEBHOOK_TOKEN"])
    _has_it(market, "shop-site", "nginx", ["GREETING", "LICENSE", "UPSTREAM_AUTH", "POD_NAME"])
    # What these write is searched for values when the test ends.
    for kind in (*KINDS, "ReplicaSet", "ControllerRevision", "Event"):
        market.cluster.kubectl("get", kind, "-o", "yaml")
    for one in ("deployment/shop-site", "statefulset/shop-cache-master", "daemonset/shop-site-agent"):
        market.cluster.kubectl("rollout", "history", one, "--revision=1")


def _filled(team: Team) -> Mapping[str, str]:
    """Return the values in generated Secrets, by Secret and key."""
    return {f"{name}/{key}": value for name in team.generated() for key, value in team.cluster.values(name).items()}


def _needed(team: Team) -> set[str]:
    return {name for pod in team.all_of("Pod") for name in _secrets(pod)}


def _secrets(pod: Manifest) -> set[str]:
    containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
    sources = [entry.get("valueFrom", {}).get("secretKeyRef") for one in containers for entry in one.get("env", [])]
    sources += [source.get("secretRef") for one in containers for source in one.get("envFrom", [])]
    return {source["name"] for source in sources if source}


def _has_it(team: Team, app: str, container: str, variables: list[str]) -> None:
    """Assert that a container of an app's pod has these variables, and of ours those before the others."""
    spec = team.pods(app)[0]["spec"]
    (found,) = (one for one in [*spec["containers"], *spec.get("initContainers", [])] if one["name"] == container)
    names = [entry["name"] for entry in found["env"]]
    assert set(variables) <= set(names)
    ours = [entry["name"] for entry in found["env"] if "secretKeyRef" in entry.get("valueFrom", {})]
    assert names[: len(ours)] == sorted(ours)
