"""kubectl, client-side and server-side, sees no difference in any form, before and after a rotation."""

import json

import pytest

from testbed import Testbed
from tests.e2e.cluster import Cluster
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.gitops.forms.objects import FORMS, VARIABLE, Form, desired


@pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_nothing_changes_and_no_diff_shows_anything(
    bed: Testbed, cluster: Cluster, plant: Planter, form: Form, *, server_side: bool
) -> None:
    name = f"kubectl-{form.name}-{'ssa' if server_side else 'csa'}"
    manifest = form.manifest(name)
    flags = ["--server-side"] if server_side else []

    def in_sync() -> None:
        before = desired(form.live(bed, name))
        cluster.apply(manifest, server_side=server_side)
        shown = cluster.kubectl("diff", *flags, "-f", "-", text=json.dumps(manifest), check=False)
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
        assert desired(form.live(bed, name)) == before

    for _ in range(2):
        value = plant.secret(name)["password"]
        cluster.apply(manifest, server_side=server_side)
        eventually(lambda value=value: form.value(bed, name) == value, "the value of now is there")  # type: ignore[misc]
        in_sync()


def test_what_is_replaced_is_filled_again(bed: Testbed, cluster: Cluster, plant: Planter) -> None:
    """As Argo CD does with `Replace=true`: nothing that the live object has beside the manifest is kept."""
    for form in (form for form in FORMS if form is not VARIABLE):
        name = f"replaced-{form.name}"
        value = plant.secret(name)["password"]
        cluster.apply(form.manifest(name))
        eventually(lambda form=form, name=name, value=value: form.value(bed, name) == value, "it is filled")  # type: ignore[misc]
        cluster.kubectl("replace", "-f", "-", text=json.dumps(form.manifest(name)))
        assert form.value(bed, name) == value
