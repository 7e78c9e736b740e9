"""Any inventory that the model allows, made of few words, so that its sections speak of the same things."""

import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

from enforcer.facts.inventory import Inventory

_WORDS: Final = st.sampled_from(
    [
        *("", "*", "shop", "pay", "app", "keyhole", "keyhole-shop", "default", "data", "main", "Secret", "Deployment"),
        *("/data/a", "secret/shop/app", "default:secret/shop/app", "vault:secret/shop/app#a", "a, b", "x\x1b[2J\u202e"),
        *("secret/data/+/app", "secret/metadata/*", "{{identity.entity.id}}", "registry/app:1.2", "read", "deny"),
        "registry/app@sha256:" + "0" * 64,
        "system:serviceaccount:shop:keyhole",
    ]
)
_TIMES: Final = st.sampled_from([datetime(2026, month, 1, tzinfo=UTC) for month in (1, 5, 6, 12)])
_PLAIN: Final[Mapping[Any, st.SearchStrategy[Any]]] = {
    str: _WORDS,
    bool: st.booleans(),
    int: st.sampled_from([-1, 0, 1, 2, 3, 443, 10**9, 2**63]),
    float: st.sampled_from([0.0, 1.5, 1e12]),
    datetime: _TIMES,
    AwareDatetime: _TIMES,
    type(None): st.none(),
    Any: st.one_of(st.none(), _WORDS),
}


def inventories() -> st.SearchStrategy[Inventory]:
    """Return a strategy for inventories in which every section may be known."""
    return _of(Inventory)


def _of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    fields = {name: _any(field.annotation) for name, field in model.model_fields.items()}
    return st.fixed_dictionaries(fields).map(lambda parts: model.model_construct(**parts))


def _any(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return st.deferred(lambda: _of(annotation))
    if hasattr(annotation, "__metadata__"):
        return _any(get_args(annotation)[0])
    make = _MADE_OF.get(get_origin(annotation))
    if make is None:
        raise TypeError(f"no strategy for {annotation!r}: add it here")
    return make(get_args(annotation))


def _tuple(arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if arguments[-1] is Ellipsis:
        return st.lists(_any(arguments[0]), max_size=3).map(tuple)
    return st.tuples(*map(_any, arguments))


def _one_of(arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    return st.one_of(*map(_any, arguments))


_MADE_OF: Final[Mapping[Any, Callable[[tuple[Any, ...]], st.SearchStrategy[Any]]]] = {
    Literal: st.sampled_from,
    Union: _one_of,
    types.UnionType: _one_of,
    tuple: _tuple,
    dict: lambda arguments: st.dictionaries(*map(_any, arguments), max_size=2),
    frozenset: lambda arguments: st.frozensets(_any(arguments[0]), max_size=3),
}
