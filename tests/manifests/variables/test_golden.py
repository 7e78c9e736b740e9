"""The templates of tests/golden/variables/templates, frozen: another form would roll every workload at its next change.

`KEYHOLE_WRITE_GOLDEN=1` writes them anew; whoever does that has to say so in CHANGELOG.md.
"""

import os
from pathlib import Path

import pytest
import yaml

from manifests.variables.prepare import prepare
from manifests.variables.templates import BY_GROUP_AND_KIND
from tests.manifests.variables.pods import patched

FOLDER = Path(__file__).parents[2] / "golden" / "variables" / "templates"
CASES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in CASES])
def test_the_template_is_what_it_has_always_been(file: Path) -> None:
    before, *after = yaml.safe_load_all(file.read_text(encoding="utf-8"))
    group = before["apiVersion"].partition("/")[0] if "/" in before["apiVersion"] else ""
    workload = BY_GROUP_AND_KIND[group, before["kind"]]
    found = patched(before, prepare(workload, before["metadata"].get("name", ""), before))
    if os.environ.get("KEYHOLE_WRITE_GOLDEN"):
        file.write_text(yaml.safe_dump_all([before, found], sort_keys=False, width=110), encoding="utf-8")
    else:
        assert [found] == after


def test_there_is_one_for_each_kind() -> None:
    kinds = {next(yaml.safe_load_all(file.read_text(encoding="utf-8")))["kind"] for file in CASES}
    assert kinds == {workload.kind for workload in BY_GROUP_AND_KIND.values()}
