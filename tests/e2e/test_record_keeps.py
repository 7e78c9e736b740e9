"""The record through all that happens to an object: its counter, and members that this version does not know.

The latter are stored as that version's webhook would leave them: nobody owns them, and no client has ever sent them.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from manifests.annotations import RECORD, REFRESH
from manifests.registration.webhook_configuration import webhook_configuration
from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply, delete
from testbed.keyhole.registration import wait_until_asked
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, encoded, secret
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually

LATER = {"leases": [["/data/a", {"id": "x", "ends": 1.5}]], "later": [None, {"deep": ["ü"]}]}
OF_FIELD = {"later": {"any": ["thing"]}}
# The form of the references, and whether the object is applied server-side.
How = tuple[str, bool]
HOWS: Final[Sequence[How]] = [
    (form, is_server_side) for form in ("annotation", "in place") for is_server_side in (True, False)
]


def described(how: How) -> str:
    return f"{how[0]}, {'server-side' if how[1] else 'client-side'} apply"


def manifest_of(form: str, name: str, mount: str = "secret") -> Manifest:
    """Return a Secret with two keys from the path that has its name."""
    references = {key: f"vault:{mount}/e2e/{name}#{key}" for key in ("a", "b")}
    if form == "annotation":
        return secret(name, {f"data.keyhole.dev/{key}": text for key, text in references.items()})
    return secret(name, data={key: encoded(text) for key, text in references.items()})


def name_of(how: How, of: str) -> str:
    form, is_server_side = how
    return f"{of}-{form.replace(' ', '-')}-{str(is_server_side).lower()}"


def record(found: Manifest) -> Any:
    return json.loads(found["metadata"]["annotations"][RECORD])


def counters(found: Manifest) -> tuple[int | None, int | None, int | None]:
    """Return the counter of the record, and those of its fields a and b."""
    told = record(found)
    of_a, of_b = (told["fields"][f"/data/{key}"].get("n") for key in ("a", "b"))
    return told.get("n"), of_a, of_b


class Kept:
    """One object, and what is done to it."""

    def __init__(self, cluster: Cluster, plant: Planter, name: str, how: How, mount: str = "secret") -> None:
        self.name = name
        self.form, self.is_server_side = how
        self.manifest = manifest_of(self.form, name, mount)
        self._cluster = cluster
        self._plant = plant
        self._mount = mount
        self._fields = {key: plant.value() for key in ("a", "b", "not-used")}

    def get(self) -> Manifest:
        return self._cluster.get(self.name)

    def write(self, *renewed: str) -> None:
        """Write the path anew: these fields with new values, all others with the same."""
        self._fields.update({key: self._plant.value() for key in renewed})
        version = 1 if self._mount == "legacy" else 2
        self._plant.write(self.name, self._fields, mount=self._mount, version=version)

    def apply(self) -> None:
        self._cluster.apply(self.manifest, server_side=self.is_server_side)

    def replace(self) -> None:
        """Replace the object with what is in Git."""
        self._cluster.replace(self.manifest).raise_for_status()

    def label(self) -> None:
        self._cluster.kubectl("label", "secret", self.name, f"edited-{self.resource_version}=yes")

    def refresh(self) -> None:
        self._cluster.kubectl("annotate", "secret", self.name, f"{REFRESH}=now")

    @property
    def resource_version(self) -> str:
        return str(self.get()["metadata"]["resourceVersion"])

    def has_the_values_of_vault(self) -> bool:
        values = self._cluster.values(self.name)
        return values == {key: self._fields[key] for key in ("a", "b")}

    def assert_nothing_to_do(self) -> None:
        """Applying it again is no change, and kubectl shows none."""
        flags = ["--server-side"] if self.is_server_side else []
        shown = self._cluster.kubectl("diff", *flags, "-f", "-", text=json.dumps(self.manifest), check=False)
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
        before = self.get()
        self.apply()
        after = self.get()
        if not self.is_server_side:
            # kubectl sends the reference in place each time, and the order of the managers within a second is a write.
            for found in (before, after):
                del found["metadata"]["managedFields"], found["metadata"]["resourceVersion"]
        assert after == before


@pytest.fixture
def kept(request: pytest.FixtureRequest, cluster: Cluster, plant: Planter) -> Kept:
    """Return an object that was filled: two fields of a path."""
    how: How = request.param
    found = Kept(cluster, plant, name_of(how, "counted"), how)
    found.write()
    found.apply()
    return found


@pytest.fixture(scope="module")
def of_later(testbed: Testbed, places: Places, webhook: Webhook, tenant: str, canary: Canary) -> Callable[[How], Kept]:
    """Return objects whose records a later version has written: counters, and members that this one does not know."""
    cluster, plant = Cluster(testbed, places, tenant), Planter(testbed, canary)
    objects: dict[How, Kept] = {}
    for how in HOWS:
        objects[how] = Kept(cluster, plant, name_of(how, "later"), how)
        objects[how].write()
        objects[how].apply()
    configuration = webhook_configuration(webhook.url, webhook.ca_file.read_bytes(), timeout_seconds=10)
    delete(testbed, configuration)
    try:
        for one in objects.values():
            _put_as_later(cluster, one)
    finally:
        apply(testbed, configuration)
        wait_until_asked(testbed)
    return objects.__getitem__


def _put_as_later(cluster: Cluster, one: Kept) -> None:
    found = one.get()
    owners = found["metadata"]["managedFields"]
    told = {**record(found), **LATER, "n": 3}
    told["fields"]["/data/a"].update(OF_FIELD, n=3)
    told["fields"]["/data/b"].update(OF_FIELD, n=0)
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def is_stored() -> bool:
        # The API server's own view of who is to be asked is a moment behind.
        current = one.get()
        current["metadata"]["annotations"][RECORD] = text
        return bool(cluster.replace(current).json()["metadata"]["annotations"][RECORD] == text)

    eventually(is_stored, "the webhook is not asked any more")
    current = one.get()
    cluster.replace({**current, "metadata": {**current["metadata"], "managedFields": owners}}).raise_for_status()
    assert RECORD not in json.dumps(one.get()["metadata"]["managedFields"])


@pytest.mark.parametrize("how", HOWS, ids=described)
def test_what_a_later_version_wrote_stays_as_long_as_the_value_that_it_is_about(
    of_later: Callable[[How], Kept], how: How
) -> None:
    one = of_later(how)
    before = record(one.get())
    assert before["later"] == LATER["later"]
    one.assert_nothing_to_do()
    for happens in (one.label, one.refresh, one.apply):
        happens()
        assert record(one.get()) == before
    one.write("a")
    one.refresh()
    after = one.get()
    told = record(after)
    assert one.has_the_values_of_vault()
    assert {name: told[name] for name in LATER} == LATER
    assert ("later" in told["fields"]["/data/a"], told["fields"]["/data/b"]["later"]) == (False, OF_FIELD["later"])
    assert counters(after) == (4, 4, 0)
    one.assert_nothing_to_do()
    # Who replaces an object owns all of it: this comes last.
    one.replace()
    assert record(one.get()) == told


@pytest.mark.parametrize("kept", [("annotation", True), ("in place", False)], indirect=True, ids=described)
def test_the_counter_moves_exactly_when_a_value_does(kept: Kept) -> None:
    kept.assert_nothing_to_do()
    assert counters(kept.get()) == (None, None, None)
    for renewed, expected in (
        # Another field of the path is a new version, and so is writing the same values again.
        (["not-used"], (None, None, None)),
        ([], (None, None, None)),
        (["a"], (1, 1, 0)),
        (["not-used"], (1, 1, 0)),
        (["a", "b"], (2, 2, 2)),
        ([], (2, 2, 2)),
        (["b"], (3, 2, 3)),
    ):
        versions = record(kept.get())["fields"]["/data/a"]["versions"]
        kept.write(*renewed)
        kept.refresh()
        assert kept.has_the_values_of_vault()
        assert counters(kept.get()) == expected
        assert record(kept.get())["fields"]["/data/a"]["versions"] == [versions[0] + 1]
        kept.assert_nothing_to_do()
    for happens in (kept.label, kept.refresh, kept.apply, kept.replace):
        happens()
        assert counters(kept.get()) == (3, 2, 3)


def test_values_without_versions_are_counted_too(cluster: Cluster, plant: Planter) -> None:
    """KV v1 has none."""
    kept = Kept(cluster, plant, "counted-of-kv-1", ("annotation", True), "legacy")
    kept.write()
    kept.apply()
    for renewed, expected in ((["not-used"], (None, None, None)), (["a"], (1, 1, 0)), ([], (1, 1, 0))):
        kept.write(*renewed)
        kept.refresh()
        assert kept.has_the_values_of_vault()
        assert counters(kept.get()) == expected
    kept.assert_nothing_to_do()


def test_an_immutable_secret_that_is_asked_to_refresh_says_that_it_cannot(cluster: Cluster, plant: Planter) -> None:
    kept = Kept(cluster, plant, "counted-immutable", ("annotation", True))
    kept.write()
    cluster.apply({**kept.manifest, "immutable": True}, server_side=True)
    before = record(kept.get())
    kept.write("a")
    told = cluster.kubectl("annotate", "secret", kept.name, f"{REFRESH}=now").stderr
    assert "keyhole.dev/refresh: the Secret is immutable, so its values stay as they are" in told
    assert REFRESH not in kept.get()["metadata"]["annotations"]
    assert record(kept.get()) == before
