"""All fields of a secret."""

from math import inf

from resolver.budget import MOST_VALUES_BYTES, Budget, ValuesTooLarge
from resolver.deadline import Deadline
from resolver.opening import Opened, opened
from resolver.references.reference import Reference
from resolver.references.value import SecretValue
from resolver.vault.kv import KvSecret


def _secret(**fields: str | None) -> KvSecret:
    values = {name: None if value is None else SecretValue(value) for name, value in fields.items()}
    return KvSecret(values, 3, "id")


def _budget() -> Budget:
    return Budget("a", Deadline.after(inf))


def test_null_counts_as_missing() -> None:
    assert opened(_secret(a="1", b=None), _budget()) == Opened({"a": SecretValue("1")}, 3, "id")


def test_no_more_is_held_than_an_object_may_have() -> None:
    budget = _budget()
    half = "x" * (MOST_VALUES_BYTES // 2)
    assert isinstance(opened(_secret(a=half), budget), Opened)
    assert isinstance(opened(_secret(a=half), budget), Opened)
    assert isinstance(opened(_secret(a="x"), budget), ValuesTooLarge)


def test_nothing_of_it_is_shown() -> None:
    assert "hidden" not in repr(opened(_secret(a="hidden"), _budget()))


def test_a_whole_secret_is_shown_by_its_path() -> None:
    assert Reference("secret/app", "", "eu").shown == "vault+eu:secret/app"
