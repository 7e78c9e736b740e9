"""What `keyhole try` shows is what the API server stores, once the same values are in Vault."""

from pathlib import Path

import yaml

from cli.trying import example_vault
from cli.trying.objects import TriedObject, objects
from cli.trying.trial import Trial
from manifests.kinds.known import ONLY_SECRETS
from tests.e2e.cluster import Cluster
from tests.e2e.planter import Planter

_NOTES = {
    "data.keyhole.dev/password": "vault:secret/e2e/tried#password",
    "data.keyhole.dev/url": "pg://u:((vault:secret/data/e2e/tried#password | urlencode))@h",
    "data.keyhole.dev/port": "vault:secret/e2e/tried#port | int",
    "data.keyhole.dev/file": "key:template",
    "keyhole.dev/fields": "/data/-x-: vault:secret/e2e/tried#nested | json:/a",
    "keyhole.dev/from": "legacy/e2e/tried-whole",
}
_PLAIN = {"in-place": "<((vault:secret/e2e/tried#password))>", "template": "p = ((vault:secret/e2e/tried#password))"}


def test_a_secret_in_every_form(cluster: Cluster, plant: Planter, tmp_path: Path) -> None:
    fields = {"password": plant.value("/:@ é"), "port": 5432, "nested": '{"a": "b"}'}
    whole = {"one": plant.value(), "two": plant.value()}
    plant.write("tried", fields)
    plant.write("tried-whole", whole, mount="legacy", version=1)
    metadata = {"name": "tried", "namespace": cluster.namespace, "annotations": _NOTES}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": _PLAIN}
    assert cluster.create(manifest).status_code == 201

    (tmp_path / "app.yaml").write_text(yaml.safe_dump(manifest))
    values = {"secret/e2e/tried": fields, "legacy/e2e/tried-whole": whole}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    trial = Trial(example_vault.read(tmp_path / "values.yaml"), ONLY_SECRETS)
    (one,) = objects([tmp_path / "app.yaml"], "")
    assert isinstance(one, TriedObject)
    (tried,) = trial.tried(one)
    told = dict(row.cluster.removeprefix("data.").split(" = ", 1) for row in tried.rows)

    stored = cluster.values("tried")
    assert set(stored) == {"password", "url", "port", "file", "-x-", "one", "two", "in-place", "template"}
    assert told == {key: text for key, text in stored.items() if key != "template"}
