"""Flux and helm with each form: nothing is done again, before and after a rotation."""

import json
from pathlib import Path

import pytest
import yaml

from testbed import Testbed
from testbed.gitops.flux import Flux
from testbed.keyhole.helm import Helm
from tests.e2e.cluster import Cluster
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.gitops.forms.objects import FORMS, NAMESPACE, Form, desired


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_flux_finds_nothing_to_do(flux: Flux, bed: Testbed, plant: Planter, form: Form) -> None:
    name = f"flux-{form.name}"
    values = plant.secret(name)
    flux.publish(NAMESPACE, name, {"object.yaml": json.dumps(form.manifest(name))})
    flux.keep(NAMESPACE, name)

    def actions() -> list[str]:
        return [applied.actions[f"{form.kind}/{NAMESPACE}/{name}"] for applied in flux.applied(NAMESPACE, name)]

    def more_reconciliations() -> None:
        before = len(actions())
        eventually(lambda: len(actions()) > before + 1, f"two more reconciliations of {name}")

    eventually(lambda: form.value(bed, name) == values["password"], f"{name} is filled")
    more_reconciliations()
    rotated = plant.secret(name)["password"]
    eventually(lambda: form.value(bed, name) == rotated, f"the rotation of {name} arrives")
    more_reconciliations()
    first, *others = actions()
    assert first == "created"
    assert set(others) == {"unchanged"}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_helm_changes_nothing(bed: Testbed, cluster: Cluster, plant: Planter, tmp_path: Path, form: Form) -> None:
    name = f"helm-{form.name}"
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n")
    (chart / "templates" / "object.yaml").write_text(yaml.safe_dump(form.manifest(name)))
    helm = Helm(bed.program("helm"), tmp_path, bed.kubernetes.kubeconfig)
    for _ in range(2):
        value = plant.secret(name)["password"]
        helm.run("upgrade", "--install", name, str(chart), "--namespace", cluster.namespace)
        eventually(lambda value=value: form.value(bed, name) == value, "the value of now is there")  # type: ignore[misc]
        before = desired(form.live(bed, name))
        helm.run("upgrade", "--install", name, str(chart), "--namespace", cluster.namespace)
        assert desired(form.live(bed, name)) == before
