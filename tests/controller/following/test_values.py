"""How often a Secret is read to know whether values without versions are still Vault's."""

import base64
from collections.abc import Mapping
from typing import Any, cast

import pytest

from controller.following.memory import NamespaceMemory
from controller.following.values import Values
from controller.managed import Managed
from kube.errors import KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.objects_of import FoundObject
from manifests.fields.scan import Form
from manifests.fields.spans import Span
from manifests.following.followed import FollowedField
from manifests.kinds.secret import SECRET
from manifests.provenance.record import Entry
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue

REFERENCE = Reference("kv/app", "f")
SPANS = (Span(9, 12, REFERENCE),)
FIELDS = tuple(
    FollowedField(f"/data/{key}", Entry(Form.IN_PLACE, spans=SPANS, versions=(None,)), (REFERENCE,), {}, None)
    for key in ("a", "b", "c")
)


class Live:
    """A Secret with text in place around a value of three characters."""

    def __init__(self, **data: str) -> None:
        self.data = {key: text.encode() for key, text in data.items()}
        self.resource_version = 1
        self.reads = 0
        self.is_silent = False
        self.memory = NamespaceMemory()

    def of(self, _resource: object) -> "Live":
        return self

    def read(self, _name: ObjectName, _seconds: float) -> FoundObject:
        self.reads += 1
        if self.is_silent:
            raise KubernetesUnavailable("does not answer")
        data = {key: base64.b64encode(value).decode() for key, value in self.data.items()}
        return FoundObject(self.metadata, {"data": data})

    @property
    def metadata(self) -> Metadata:
        return Metadata(ObjectName("shop", "app"), str(self.resource_version), {}, uid="uid")

    def compared(self, vault: str, listed: Metadata | None = None) -> list[bool | None]:
        """Compare its fields with what Vault has, as a round does."""
        found: Mapping[Reference, SecretValue | None] = {REFERENCE: SecretValue(vault.encode())}
        managed = Managed(SECRET, listed or self.metadata)
        values = Values(cast("Any", self), managed, found, lambda: None, self.memory)
        return [values.same(field) for field in FIELDS]


def test_all_fields_cost_one_read_and_later_rounds_none() -> None:
    live = Live(a="password=old", b="password=old", c="password=old")
    assert live.compared("old") == [True, True, True]
    assert [live.compared("old") for _ in range(5)] == [[True, True, True]] * 5
    assert live.reads == 1


def test_a_value_that_stays_another_one_costs_no_read_until_the_object_changes() -> None:
    live = Live(a="password=old", b="password=new", c="password=old")
    assert [live.compared("new") for _ in range(5)] == [[False, True, False]] * 5
    assert live.reads == 1
    assert live.compared("old") == [True, False, True]
    live.data, live.resource_version = dict.fromkeys("abc", b"password=new"), 2
    assert live.compared("new") == [True, True, True]


@pytest.mark.parametrize("edited", [{"a": "pass", "b": "password=old"}, {"b": "password=old"}])
def test_a_text_that_somebody_edited_costs_no_read_in_each_round(edited: dict[str, str]) -> None:
    live = Live(**edited)
    assert [live.compared("old") for _ in range(5)] == [[None, True, None]] * 5
    assert live.reads == 1


def test_what_cannot_be_read_is_read_again_in_the_next_round() -> None:
    live = Live(a="password=old", b="password=old", c="password=old")
    live.is_silent = True
    assert live.compared("new") == [None, None, None]
    live.is_silent = False
    assert live.compared("new") == [False, False, False]
    assert live.reads == 2


def test_a_state_that_was_not_listed_says_nothing() -> None:
    # The record that was listed says where the values were in another text.
    live = Live(a="password=old", b="password=old", c="password=old")
    listed, live.resource_version = live.metadata, 2
    assert live.compared("new", listed) == [None, None, None]
