"""Causes hold against the errors that carry them, whose status follows, and against the documentation."""

import importlib
import pkgutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

import audit
import manifests
import resolver
import webhook
from audit.errors import AuditUnavailable
from resolver.causes import Cause
from resolver.document import renewed
from resolver.errors import ResolverError, TemporaryError

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs/references.md"
# Scripts match them: a word that is written differently breaks whoever relies on it.
_WORDS = """
    AnswerTooLarge AuditUnavailable DeadlineExceeded FieldNotFound FunctionFailed IdentityRefused InternalError
    KubernetesRefused KubernetesUnavailable LoginDenied MalformedReference MalformedReview NamespaceNotEnabled
    NotAKeyValueMount Overloaded PathNotAllowed PermissionDenied RecordKeyUnavailable RecordTooLarge ReferenceRefused
    RequesterMayNotRead SecretNotFound SecretTooLarge TooMuchWork TokenUsesTooFew UnknownConnection
    ValueLooksLikeReference ValueNotText ValueTooLarge VariablesNotEnabled VaultRefused VaultUnavailable
"""


def _errors(root: type[ResolverError] = ResolverError) -> Iterator[type[ResolverError]]:
    for error in root.__subclasses__():
        yield error
        yield from _errors(error)


def _all_errors() -> list[type[ResolverError]]:
    for room in (audit, manifests, resolver, webhook):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)
    return [error for error in dict.fromkeys(_errors()) if error is not TemporaryError]


def test_the_words_stay() -> None:
    assert sorted(Cause) == sorted(_WORDS.split())


def test_every_error_has_a_cause() -> None:
    assert len(_all_errors()) > len(Cause) / 2
    assert [error for error in _all_errors() if not isinstance(getattr(error, "cause", None), Cause)] == []
    assert AuditUnavailable.cause.is_temporary


def test_the_status_of_an_error_is_one_of_its_cause() -> None:
    """So a refusal never has a status that the documentation does not list for its word."""
    for error in _all_errors():
        is_temporary = issubclass(error, TemporaryError)
        expected = HTTPStatus.SERVICE_UNAVAILABLE if is_temporary else HTTPStatus.FORBIDDEN
        assert expected in error.cause.statuses, error
        assert is_temporary or not error.cause.is_temporary, error


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_told_in_sentences(cause: Cause) -> None:
    for text in (cause.sentence, cause.remedy):
        assert text[0].isupper() or text[0] == "`"
        assert text.endswith(".")
        assert not set("|\n") & set(text)


def test_the_document_is_what_the_code_says() -> None:
    text = _DOCUMENT.read_text()
    assert text == renewed(text), "python -m resolver.document docs/references.md"
