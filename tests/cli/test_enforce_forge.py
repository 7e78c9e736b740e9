"""`keyhole enforce` with a work tree and a forge, as a person runs it: real files, real HTTP."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from tests.enforcer.collecting.forge.server import TOKEN, serving
from tests.enforcer.collecting.forge.test_github import GUARDED, RULES

MANIFEST = """\
apiVersion: v1
kind: Secret
metadata: {name: app, namespace: shop, annotations: {data.keyhole.dev/a: 'vault:secret/shop/app#a'}}
"""


@pytest.mark.parametrize(("owners", "rules", "found"), [("* @a\n", GUARDED[RULES], 0), ("/other @a\n", [], 7)])
def test_a_branch_and_its_owners_are_judged_and_the_token_is_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owners: str, rules: object, found: int
) -> None:
    (tmp_path / "CODEOWNERS").write_text(owners)
    (tmp_path / "app.yaml").write_text(MANIFEST)
    monkeypatch.setenv("FORGE", TOKEN)
    monkeypatch.chdir(tmp_path)
    with serving({**GUARDED, RULES: rules}) as served:
        asked = ["--forge", "github", "--repository", "acme/deploy", "--forge-address", served.address]
        options = [
            *asked,
            "--forge-token",
            "FORGE",
            "--git",
            ".",
            "--no-cluster",
            "-o",
            "json=report.json",
            "-o",
            "text",
        ]
        result = CliRunner().invoke(main, ["enforce", *options])
    text = (tmp_path / "report.json").read_text()
    (review,) = [each for each in json.loads(text)["standards"] if each["name"] == "review"]
    assert (len(review["findings"]), review["unchecked"]) == (found, [])
    assert TOKEN not in f"{text}{result.output}{result.stderr}"
