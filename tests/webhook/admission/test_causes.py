"""The causes that the metrics know are those that the code refuses with."""

import ast
from collections.abc import Iterator
from pathlib import Path

from metrics.causes import CAUSES, OTHER, cause_word
from metrics.statuses import STATUSES, status_word
from resolver.vault.client import UNANSWERED

_ROOT = Path(__file__).resolve().parents[3]
_ROOMS = ("audit", "resolver", "manifests", "webhook")
# Roots of error trees, never raised by themselves.
_ROOTS = {"", "ResolverError", "Temporary"}
_TAKES_A_CAUSE = {"Problem": 2, "Answer": 3}


def _causes(tree: ast.AST) -> Iterator[str]:
    """Yield every cause that stands in a module: of an error's class, and of a problem or an answer."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for statement in node.body:
                targets = (
                    statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
                )
                names = {target.id for target in targets if isinstance(target, ast.Name)}
                if "cause" in names and isinstance(statement, ast.Assign | ast.AnnAssign):
                    yield from _text(statement.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TAKES_A_CAUSE:
            position = _TAKES_A_CAUSE[node.func.id]
            yield from _text(node.args[position] if len(node.args) > position else None)
            yield from (text for given in node.keywords if given.arg == "cause" for text in _text(given.value))
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id in {"MALFORMED", "CAUSE"} for target in node.targets
        ):
            yield from _text(node.value)


def _text(node: ast.expr | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_the_set_is_what_the_code_says() -> None:
    files = [file for room in _ROOMS for file in (_ROOT / room).rglob("*.py")]
    found = {cause for file in files for cause in _causes(ast.parse(file.read_text()))}
    assert found - _ROOTS == CAUSES


def test_any_other_word_is_one_word() -> None:
    assert cause_word("SecretNotFound") == "SecretNotFound"
    assert cause_word("Anything\n") == OTHER


def test_statuses_are_a_closed_set_too() -> None:
    assert set(UNANSWERED.values()) < STATUSES
    assert [status_word(status) for status in ("200", "473", "late", "299", "999")] == [
        "200",
        "473",
        "late",
        *["other"] * 2,
    ]
