"""The patch, applied to the object, gives exactly the plan, and nothing else changes."""

import copy
import json
from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from manifests.fields import scan_secret
from manifests.plan import Action, fill, plan_secret
from resolver.value import SecretValue
from tests.manifests.secrets import encoded, secret
from webhook.patch import secret_patch

KEYS = st.from_regex(r"[a-zA-Z0-9]([-._a-zA-Z0-9]{0,8}[a-zA-Z0-9])?", fullmatch=True)
PLAIN = st.text(max_size=20).filter(lambda text: "vault" not in text)
INLINE = st.builds("{}((vault:secret/{}#f)){}".format, PLAIN, st.sampled_from("ab"), PLAIN)
WHOLE = st.sampled_from(["vault:secret/a#f", "vault:secret/b#f | base64"])


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    data = draw(st.none() | st.dictionaries(KEYS, PLAIN | INLINE, max_size=5))
    wanted = draw(st.dictionaries(KEYS, WHOLE | INLINE, max_size=4))
    annotations = {f"data.keyhole.dev/{key}": text for key, text in wanted.items() if key not in (data or {})}
    labels = draw(st.dictionaries(KEYS, PLAIN, max_size=2))
    manifest = secret(data, annotations or None, type="Opaque")
    manifest["metadata"]["labels"] = labels
    return manifest


@given(manifests(), st.booleans())
def test_the_patch_gives_the_plan_and_nothing_else(manifest: dict[str, Any], dry_run: bool) -> None:
    before = copy.deepcopy(manifest)
    plan = plan_secret(scan_secret(manifest), manifest, None, dry_run=dry_run)
    values = {reference: SecretValue(f"value of {reference.path}") for reference in plan.references}
    results = [(step, fill(step, values)) for step in plan.steps]
    patch = secret_patch(manifest, [(step.want, value) for step, value in results if value is not None])
    assert manifest == before, "the manifest itself is not touched"
    after = jsonpatch.apply_patch(manifest, json.loads(patch)) if patch else copy.deepcopy(manifest)
    expected = copy.deepcopy(manifest)
    for step, value in results:
        if value is not None:
            if expected.get("data") is None:
                expected["data"] = {}
            expected["data"][step.want.key] = encoded(value.reveal())
        else:
            assert step.action is Action.LEAVE
    assert after == expected


@given(manifests())
def test_the_same_input_gives_the_same_bytes(manifest: dict[str, Any]) -> None:
    def once() -> bytes | None:
        plan = plan_secret(scan_secret(manifest), manifest, None, dry_run=False)
        values = {reference: SecretValue("v") for reference in plan.references}
        steps = [(step.want, fill(step, values)) for step in plan.steps]
        return secret_patch(manifest, [(want, value) for want, value in steps if value is not None])

    assert once() == once()


def test_a_value_that_stands_there_already_needs_no_patch() -> None:
    manifest = secret({"a": "live"}, {"data.keyhole.dev/a": "vault:secret/a#f"})
    (want,) = scan_secret(manifest).wants
    assert secret_patch(manifest, [(want, SecretValue("live"))]) is None


def test_keys_with_a_tilde_or_slash_are_escaped() -> None:
    manifest = secret({}, {"data.keyhole.dev/a.b": "vault:secret/a#f"})
    (want,) = scan_secret(manifest).wants
    assert json.loads(secret_patch(manifest, [(want, SecretValue(b"\xff"))]) or b"") == [
        {"op": "add", "path": "/data/a.b", "value": "/w=="}
    ]
