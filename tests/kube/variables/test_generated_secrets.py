"""Which words of a refusal are repeated: Keyhole's own and a quota's, and no other's."""

import json

import pytest

from kube.variables.generated_secrets import _repeatable


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            'admission webhook "annotations.keyhole.dev" denied the request: data.PASSWORD: NotFound: nothing there',
            "data.PASSWORD: NotFound: nothing there",
        ),
        ('admission webhook "keyhole.dev" denied the request: a\nb', "a\nb"),
        (
            'secrets "web-keyhole-0" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1',
            "exceeded quota: q, requested: secrets=1, used: secrets=1",
        ),
        ('admission webhook "policy.example" denied the request: data is c2VjcmV0', ""),
        ('admission webhook "keyhole.dev.example" denied the request: data is c2VjcmV0', ""),
        ("Secret is invalid: data: Invalid value: c2VjcmV0", ""),
    ],
)
def test_words(message: str, words: str) -> None:
    assert _repeatable(json.dumps({"kind": "Status", "message": message})) == words


@pytest.mark.parametrize("body", [None, "", "<html>", "[]", json.dumps({"message": 5})])
def test_what_is_no_status_has_no_words(body: object) -> None:
    assert not _repeatable(body)
