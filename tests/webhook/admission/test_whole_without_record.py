"""A Secret with whole secrets whose record is lost."""

from manifests.annotations import RECORD
from tests.webhook.admission.clusters import Cluster, WholeVault, from_paths


def test_without_its_record_an_object_can_change_and_is_told_that_it_follows_no_more() -> None:
    vault = WholeVault()
    vault.write("secret/app", user="u", password="p")
    applied = Cluster(vault)
    assert applied.apply(from_paths("secret/app")).allowed
    # An older version of Keyhole does not know the form, and removes the record.
    assert applied.live is not None
    notes = {name: text for name, text in applied.live["metadata"]["annotations"].items() if name != RECORD}
    bare = {**applied.live, "metadata": {**applied.live["metadata"], "annotations": notes}}
    applied.live = bare
    labelled = {**bare, "metadata": {**bare["metadata"], "labels": {"by": "its-owner"}}}

    answer = applied.put(labelled)

    assert answer.allowed, answer.message
    assert answer.patch is None
    (warning,) = answer.warnings
    assert "vault:secret/app: not used, because the Secret has a value of its own: user, password" in warning
    # Once the values are out of the way, they are filled again.
    assert applied.put({**labelled, "data": {}}).allowed
    assert applied.sources == {"user": "vault:secret/app#user", "password": "vault:secret/app#password"}
