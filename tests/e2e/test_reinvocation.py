"""Another webhook changes the object after Keyhole, so Keyhole is asked again: once and twice are the same."""

from collections.abc import Iterator

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from tests.e2e.cluster import Cluster
from tests.e2e.objects import encoded, secret
from tests.e2e.other_webhook import ASKED, LABEL, REFERS, labelling_webhook
from tests.e2e.planter import Planter


@pytest.fixture(scope="module")
def _labelled(testbed: Testbed, webhook: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with labelling_webhook(testbed, tmp_path_factory.mktemp("other-webhook")):
        yield


@pytest.mark.usefixtures("_labelled")
@pytest.mark.parametrize("server_side", [False, True], ids=["client-side apply", "server-side apply"])
@pytest.mark.parametrize("form", ["annotation", "fields", "in-place"])
def test_a_value_stands_although_another_webhook_changes_the_object(
    cluster: Cluster, plant: Planter, form: str, *, server_side: bool
) -> None:
    values = plant.secret("asked-twice")
    reference = "vault:secret/e2e/asked-twice#password"
    name = f"twice-{form}-{str(server_side).lower()}"
    manifest = {
        "annotation": secret(name, {"data.keyhole.dev/password": reference}),
        "fields": secret(name, {"keyhole.dev/fields": f"/data/password: {reference}"}),
        "in-place": secret(name, data={"password": encoded(reference)}),
    }[form]
    manifest["metadata"]["labels"] = {ASKED: "yes"}
    for _ in range(2):
        cluster.apply(manifest, server_side=server_side)
        assert cluster.values(name) == values
        assert cluster.get(name)["metadata"]["labels"][LABEL] == "yes"


@pytest.mark.usefixtures("_labelled")
def test_a_dry_run_is_answered_although_another_webhook_changes_the_object(cluster: Cluster, plant: Planter) -> None:
    plant.secret("dry-twice")
    manifest = secret("dry-twice", {"data.keyhole.dev/password": "vault:secret/e2e/dry-twice#password"})
    manifest["metadata"]["labels"] = {ASKED: "yes"}
    cluster.apply(manifest, dry_run=True)


@pytest.mark.usefixtures("_labelled")
def test_a_reference_that_another_webhook_adds_is_resolved_where_keyhole_was_asked_before(
    cluster: Cluster, plant: Planter
) -> None:
    values = plant.secret("added", "early", "late")
    notes = {"data.keyhole.dev/early": "vault:secret/e2e/added#early", REFERS: "late=vault:secret/e2e/added#late"}
    manifest = secret("added", notes)
    manifest["metadata"]["labels"] = {ASKED: "yes"}
    cluster.apply(manifest)
    assert cluster.values("added") == values
