"""Conditions of policies about what an account changes, in CEL.

Source: Kubernetes, *Common Expression Language in Kubernetes*.
"""

from collections.abc import Mapping, Sequence
from typing import Final

WRITTEN_BY_THE_SERVER: Final = ("managedFields", "resourceVersion", "generation")
"""Members of the metadata that the API server writes at each change."""


def is_reconciler(account: str) -> Mapping[str, str]:
    """Return the match condition for requests of a ServiceAccount of this name, in whatever namespace."""
    expression = (
        "request.userInfo.username.startsWith('system:serviceaccount:')"
        f" && request.userInfo.username.endsWith(':{account}')"
    )
    return {"name": "is-the-reconciler", "expression": expression}


def same(new: str, old: str, free: str) -> str:
    """Require that two maps have the same members, apart from those that `free` (of the name `k`) lets change."""
    return f"{new}.all(k, {free} || (k in {old} && {old}[k] == {new}[k])) && {old}.all(k, {free} || k in {new})"


def within(names: Sequence[str]) -> str:
    """Return the condition that the name `k` is one of these, which have neither quotes nor backslashes."""
    return "k in [" + ", ".join(f"'{name}'" for name in names) + "]"
