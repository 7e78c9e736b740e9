"""Files on real servers: a key that Git owns is rendered into one that Git never has."""

import json

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from tests.e2e.cluster import Cluster
from tests.e2e.kinds.resources import Resources
from tests.e2e.objects import Manifest, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

_NOTE = {"data.keyhole.dev/app.conf": "key:app.tmpl"}


def _template(lines: int = 0) -> str:
    return "# text\n" * lines + "password=((vault:secret/e2e/file#password))\n"


def _secret(text: str) -> Manifest:
    return secret("file", _NOTE, stringData={"app.tmpl": text})


def _config_map(name: str, text: str) -> Manifest:
    metadata = {"name": name, "annotations": _NOTE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"app.tmpl": text}}


@pytest.fixture
def cluster(bed: Testbed, places: Places, webhook: Webhook) -> Cluster:
    assert webhook
    return Cluster(bed, places, "kinds")


@pytest.mark.parametrize("server_side", [False, True])
def test_a_file_follows_its_template_and_shows_no_difference(
    cluster: Cluster, plant: Planter, traffic: Traffic, *, server_side: bool
) -> None:
    password = plant.secret("file")["password"]
    for lines in (0, 2):
        manifest = _secret(_template(lines))
        cluster.apply(manifest, server_side=server_side)
        assert cluster.values("file") == {
            "app.tmpl": _template(lines),
            "app.conf": "# text\n" * lines + f"password={password}\n",
        }
        asked = len(traffic.vault_requests())
        stored = cluster.get("file")["metadata"]["resourceVersion"]
        flags = ["--server-side"] if server_side else []
        assert not cluster.kubectl("diff", "-f", "-", *flags, text=json.dumps(manifest), check=False).stdout
        cluster.apply(manifest, server_side=server_side)
        assert cluster.get("file")["metadata"]["resourceVersion"] == stored
        assert len(traffic.vault_requests()) == asked
    cluster.delete("file")


def test_a_config_map_of_900_kb_is_a_template_and_its_file(bed: Testbed, places: Places, plant: Planter) -> None:
    password = plant.secret("file")["password"]
    config_maps = Resources(bed, places, "kinds", "api/v1", "configmaps")
    text = _template(450_000 // len("# text\n"))
    manifest = _config_map("file", text)
    assert config_maps.refusal(manifest, "--server-side") == ""
    found = config_maps.get("file")
    assert found["data"]["app.tmpl"] == text
    assert found["data"]["app.conf"].endswith(f"# text\npassword={password}\n")
    assert sum(map(len, found["data"].values())) > 900_000
    assert config_maps.shown(manifest, "--server-side")["data"] == found["data"]
    too_large = _config_map("too-large", _template(600_000 // len("# text\n")))
    assert "SecretTooLarge" in config_maps.refusal(too_large, "--server-side")
