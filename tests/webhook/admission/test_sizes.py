"""What Kubernetes could not store is refused before a patch is made of it, and a live value never has to go for it."""

import base64
import tracemalloc
from http import HTTPStatus

import pytest

from manifests.fields.docker_config import docker_config
from resolver.causes import Cause
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue, ValueTooLarge
from resolver.resolve import Resolved
from tests.manifests.provenances import admitted, provenance
from tests.manifests.secrets import secret
from tests.webhook.admission.test_reapply import Scene, patched

_MIB = 1024 * 1024
_REFERENCE = Reference("secret/app", "x")


def _note(key: str) -> str:
    return f"data.keyhole.dev/{key}"


def _found(size_bytes: int) -> Resolved:
    return Resolved(SecretValue(b"x" * size_bytes), 1, "id")


def _annotated(count: int, data: dict[str, str] | None = None) -> dict[str, object]:
    return secret(data or {}, {_note(f"k{index}"): "vault:secret/app#x" for index in range(count)})


def test_one_value_in_sixty_fields_is_refused_and_takes_the_memory_of_few() -> None:
    scene = Scene(_found(_MIB - 1000))
    tracemalloc.start()
    try:
        answer = scene.answer(_annotated(60))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status == HTTPStatus.FORBIDDEN
    assert answer.message.startswith("SecretTooLarge: Secret team-a/app: annotation data.keyhole.dev/k1")
    assert "more than the 1048576 bytes of data" in answer.message
    assert answer.patch is None
    assert peak_bytes < 12 * _MIB


@pytest.mark.parametrize(
    ("own_bytes", "count", "fits"),
    [
        pytest.param(0, 2, True, id="two halves"),
        pytest.param(0, 3, False, id="three halves"),
        pytest.param(_MIB // 2, 1, True, id="a half beside half of a manifest"),
        pytest.param(_MIB // 2 + 1, 1, False, id="a half beside more"),
        pytest.param(2 * _MIB, 1, False, id="a half beside what is too large already"),
    ],
)
def test_values_count_together_with_the_data_of_the_manifest(own_bytes: int, count: int, fits: bool) -> None:
    answer = Scene(_found(_MIB // 2)).answer(_annotated(count, {"own": "x" * own_bytes}))
    assert answer.allowed == fits
    assert answer.cause == (None if fits else Cause.SECRET_TOO_LARGE)


@pytest.mark.parametrize(
    ("size_bytes", "changed"),
    [
        pytest.param(500_000, {"k0", "k1"}, id="both fit"),
        pytest.param(600_000, {"k0"}, id="one fits"),
        pytest.param(700_000, set(), id="none fits"),
    ],
)
def test_larger_values_that_do_not_fit_leave_the_live_ones_with_a_warning(size_bytes: int, changed: set[str]) -> None:
    live = admitted(_annotated(2), {_REFERENCE: "v" * 400_000}, by=provenance(namespace="team-a"))
    answer = Scene(_found(size_bytes), refresh=0).answer(live, live)
    assert answer.allowed
    data = patched(live, answer)["data"]
    assert {key for key, value in data.items() if value != live["data"][key]} == changed
    assert sum(len(base64.b64decode(value)) for value in data.values()) <= _MIB
    assert len([text for text in answer.warnings if "unverified: SecretTooLarge" in text]) == 2 - len(changed)


def test_a_docker_configuration_of_many_credentials_is_not_put_together_first() -> None:
    hosts = ",".join(f'"h{index}":{{"username":"u","password":"vault:secret/app#x"}}' for index in range(500))
    template = docker_config(f'{{"auths":{{{hosts}}}}}')
    assert template is not None
    tracemalloc.start()
    try:
        with pytest.raises(ValueTooLarge):
            template.render({_REFERENCE: SecretValue(b"x" * 500_000)})
        assert tracemalloc.get_traced_memory()[1] < 2 * _MIB
    finally:
        tracemalloc.stop()
