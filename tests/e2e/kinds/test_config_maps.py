"""ConfigMaps on real servers, large ones too."""

import json

from testbed import Testbed
from tests.e2e.kinds.resources import Resources
from tests.e2e.objects import Manifest
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

_LARGE = 900_000


def _config_map(name: str, **data: str) -> Manifest:
    annotations = {"data.keyhole.dev/url": "postgres://app:((vault:secret/e2e/settings#password))@db/app"}
    metadata = {"name": name, "annotations": annotations}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": data,
        "binaryData": {"b": "AAECAw=="},
    }


def test_a_large_one_is_filled_and_an_unchanged_one_asks_nobody(
    bed: Testbed, places: Places, plant: Planter, traffic: Traffic
) -> None:
    password = plant.secret("settings")["password"]
    config_maps = Resources(bed, places, "kinds", "api/v1", "configmaps")
    manifest = _config_map("settings", large="vault: " * (_LARGE // 7))
    assert config_maps.refusal(manifest, "--server-side") == ""
    found = config_maps.get("settings")
    assert found["data"] == {**manifest["data"], "url": f"postgres://app:{password}@db/app"}
    assert found["binaryData"] == manifest["binaryData"]
    asked = len(traffic.vault_requests())
    assert config_maps.shown(manifest, "--server-side")["data"] == found["data"]
    assert config_maps.refusal(manifest, "--server-side") == ""
    assert config_maps.get("settings")["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
    assert len(traffic.vault_requests()) == asked


def test_one_that_would_become_too_large_is_refused_before_it_is_sent_on(
    bed: Testbed, places: Places, plant: Planter
) -> None:
    plant.write("settings", {"password": plant.value() * 2000})
    config_maps = Resources(bed, places, "kinds", "api/v1", "configmaps")
    answer = config_maps.create(_config_map("too-large", large="x" * (1024 * 1024 - 1000)))
    assert answer.status_code == 403
    assert "SecretTooLarge" in json.loads(answer.content)["message"]
    assert not config_maps.exists("too-large")
