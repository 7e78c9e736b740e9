"""The folder tests/golden/variables freezes names, markers and annotations: others would roll every workload."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from manifests.fields import fields_map
from manifests.variables import marker, names, wanted
from manifests.variables.generated import MarkerMismatch, generated, marker_of

GOLDEN = yaml.safe_load(
    (Path(__file__).parents[2] / "golden" / "variables" / "secrets.yaml").read_text(encoding="utf-8")
)
NOTES = {"env.keyhole.dev/A": "vault:secret/app#a"}
WEB = names.Owner("apps", "Deployment", "web")


def marked(notes: dict[str, str], owner: names.Owner = WEB) -> dict[str, str]:
    return {**notes, "keyhole.dev/env-secret": marker.dump(marker_of(owner, wanted.read(notes)))}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in GOLDEN])
def test_golden(case: dict[str, Any]) -> None:
    owner = names.read_owner(case["for"])
    assert owner is not None
    notes = marked(case["annotations"], owner)
    assert notes["keyhole.dev/env-secret"] == case["marker"]
    assert {secret.name: dict(secret.annotations) for secret in generated(notes)} == case["secrets"]


def test_without_a_marker_there_is_nothing() -> None:
    assert generated(NOTES) == ()


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        pytest.param({"keyhole.dev/env-secret": "x"}, "is not as Keyhole writes it", id="no marker"),
        pytest.param({**marked(NOTES), "env.keyhole.dev/A": "vault:secret/other#a"}, "names the Secret", id="a text"),
        pytest.param({**marked(NOTES), "env.keyhole.dev/B": "vault:secret/app#b"}, "names the Secret", id="one more"),
        pytest.param(
            {"keyhole.dev/env-secret": marked(NOTES)["keyhole.dev/env-secret"]}, "are for none", id="no variables"
        ),
        pytest.param(
            {**marked(NOTES), "keyhole.dev/env-from": "secret/app"}, "names the Secret (none)", id="a whole secret"
        ),
        pytest.param(
            {**NOTES, "keyhole.dev/env-secret": marked({"env.keyhole.dev/A": "s3cr3t"})["keyhole.dev/env-secret"]},
            "names the Secret",
            id="another workload's references",
        ),
        pytest.param(
            {
                **NOTES,
                "keyhole.dev/env-secret": marked(NOTES)["keyhole.dev/env-secret"].replace("Deployment", "StatefulSet"),
            },
            "names the Secret",
            id="another kind's Secret",
        ),
        pytest.param({**marked(NOTES), "keyhole.dev/env": "- s3cr3t"}, "expected a map", id="annotations unreadable"),
    ],
)
def test_a_marker_has_to_fit_the_annotations_beside_it(notes: dict[str, str], told: str) -> None:
    with pytest.raises(MarkerMismatch) as caught:
        generated(notes)
    assert told in caught.value.problem
    assert "s3cr3t" not in caught.value.problem


VARIABLES = st.dictionaries(st.text("ABab_./ -{}\":'", min_size=1, max_size=5), st.text(max_size=9), min_size=1)


@given(VARIABLES)
def test_the_annotations_of_the_secret_have_all_texts_as_they_are(variables: dict[str, str]) -> None:
    notes = {"keyhole.dev/env": yaml.dump(variables, default_style='"', allow_unicode=False)}
    asked = wanted.read(notes)
    if asked.problems or not asked:
        return
    (secret,) = generated(marked(notes))
    filled = {
        name.removeprefix("data.keyhole.dev/"): value
        for name, value in secret.annotations.items()
        if name.startswith("data.keyhole.dev/")
    }
    others = fields_map.parse(secret.annotations.get("keyhole.dev/fields", "{}"))
    filled |= {pointer.removeprefix("/data/"): value for pointer, value in others.items()}
    assert filled == {variable.key: variable.text for variable in asked.variables}
    assert set(secret.annotations) <= {f"data.keyhole.dev/{key}" for key in filled} | {"keyhole.dev/fields"}
