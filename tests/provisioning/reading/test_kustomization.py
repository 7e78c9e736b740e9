"""What the generators of a kustomization make, and what of them has to be rendered first."""

from pathlib import Path
from typing import Any

import pytest

from provisioning.reading.documents import Document, read_path
from provisioning.reading.usage import Usage, survey

REFERENCE = "vault:secret/shop/generated#password"
SAYS_SO = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def look(content: Any, file: str = "app/kustomization.yaml") -> Usage:
    return survey([Document(file, 1, content)], "shop", "default")


def references(usage: Usage) -> list[str]:
    return [str(used.reference) for used in usage.used]


def generator(**parts: Any) -> dict[str, Any]:
    return {"secretGenerator": [{"name": "gen", **parts}]}


@pytest.mark.parametrize(
    ("content", "file"),
    [
        pytest.param({**SAYS_SO, **generator(literals=[f"p={REFERENCE}"])}, "x.yaml", id="that says what it is"),
        pytest.param(generator(literals=[f"p={REFERENCE}"]), "kustomization.yml", id="by the name of its file"),
        pytest.param(generator(literals=[f"p={REFERENCE}"]), "app/Kustomization", id="by the other name"),
        pytest.param(generator(literals=[f"p='{REFERENCE}'"]), "kustomization.yaml", id="with quotes"),
        pytest.param(generator(literals=[f"p=a=(({REFERENCE}))"]), "kustomization.yaml", id="within a text"),
        pytest.param(
            generator(options={"annotations": {"data.keyhole.dev/p": REFERENCE}}), "kustomization.yaml", id="annotated"
        ),
        pytest.param(
            {**generator(), "generatorOptions": {"annotations": {"data.keyhole.dev/p": REFERENCE}}},
            "kustomization.yaml",
            id="annotated for all",
        ),
    ],
)
def test_a_reference_that_a_generator_of_secrets_writes_is_found(content: dict[str, Any], file: str) -> None:
    usage = look(content, file)
    assert (references(usage), usage.findings, usage.passed_over, usage.notes) == ([REFERENCE], [], [], [])


def test_the_place_is_the_generator() -> None:
    (used,) = look(generator(literals=[f"p={REFERENCE}"])).used
    assert used.place == "app/kustomization.yaml, document 1, /secretGenerator/0, Secret shop/gen, data.p"


def test_what_admission_would_refuse_is_a_finding() -> None:
    (finding,) = look(generator(literals=["p=vault:secret/shop"])).findings
    assert finding.startswith("app/kustomization.yaml, document 1, /secretGenerator/0, Secret shop/gen, data.p: column")


@pytest.mark.parametrize("content", [{"namespace": "bank"}, {"secretGenerator": [{"namespace": "bank"}]}])
def test_what_is_made_for_another_namespace_is_left_out_with_a_note(content: dict[str, Any]) -> None:
    made = {"name": "gen", "literals": ["p=vault:secret/bank#p"], **content.get("secretGenerator", [{}])[0]}
    usage = look({**content, "secretGenerator": [made]})
    assert (usage.used, usage.notes) == ([], ["objects of other namespaces left out: 1 (bank)"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(
            generator(files=["a.txt"]),
            "/secretGenerator/0/files/0, a.txt: passed over, there are no files beside what comes by standard input",
            id="a file that cannot be had",
        ),
        pytest.param(
            {"configMapGenerator": [{"name": "gen", "literals": [f"p={REFERENCE}"]}]},
            "/configMapGenerator/0, ConfigMap shop/gen, /data/p: passed over, Keyhole fills nothing there",
            id="a ConfigMap",
        ),
        pytest.param(
            {"patches": [{"patch": f"stringData: {{p: {REFERENCE}}}"}]},
            "/patches: passed over, something like a reference stands in it, render it first",
            id="a patch",
        ),
    ],
)
def test_what_has_to_be_rendered_first_is_passed_over_and_told(content: dict[str, Any], told: str) -> None:
    usage = look(content)
    assert (usage.used, usage.findings) == ([], [])
    assert usage.passed_over == [f"app/kustomization.yaml, document 1, {told}"]


@pytest.mark.parametrize(
    "content",
    [
        {**SAYS_SO, "resources": ["a.yaml"]},
        {"configMapGenerator": [{"name": "gen", "files": ["a.txt"]}]},
        {"secretGenerator": "x", "generatorOptions": 1, "configMapGenerator": [1, {"literals": 5, "options": []}]},
        {"secretGenerator": [{"literals": [1, "no separator", None]}]},
    ],
)
def test_what_holds_no_reference_is_not_told_of(content: dict[str, Any]) -> None:
    assert look(content) == Usage([], [], [], [])


def test_files_and_variables_are_read_and_what_is_out_of_reach_is_told(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "kustomization.yaml").write_text(
        "secretGenerator:\n- files: [a.txt, b=sub/b.txt, gone.txt, ../up.txt]\n- envs: [c.env]\n- env: d.env\n"
        "configMapGenerator:\n- files: [gone.html, values.yaml]\n"
    )
    (app / "sub").mkdir()
    (app / "values.yaml").write_text("x: {{ vault }}\n")
    (app / "a.txt").write_text("x((vault:secret/shop/a#x))")
    (app / "sub" / "b.txt").write_text("vault:secret/shop/b#x")
    (app / "c.env").write_text("# vault:secret/no#x\n  A=vault:secret/shop/c#x\r\nB='vault:secret/no#x'\n")
    (app / "d.env").write_text("\ufeffA=vault:secret/shop/d#x\nFROM_OUTSIDE\n")
    (app / "not-taken.txt").write_text("vault:secret/shop/e#x")
    (tmp_path / "up.txt").write_text("vault:secret/shop/up#x")
    usage = survey(read_path(app), "shop", "default")
    assert sorted(used.reference.path for used in usage.used) == [f"secret/shop/{name}" for name in "abcd"]
    file = f"{app}/kustomization.yaml, document 1, /secretGenerator/0/files"
    assert list(usage.passed_over) == [
        f"{file}/2, gone.txt: passed over, cannot be read: No such file or directory",
        f"{file}/3, ../up.txt: passed over, lies outside of the kustomization's folder",
        f"{app}/not-taken.txt: passed over, not read for its name, and something like a reference stands in it",
    ]
