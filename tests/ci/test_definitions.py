"""What others read of this repository: hooks for pre-commit, an action for GitHub, a component for GitLab.

Their schemas come with check-jsonschema, and zizmor looks at workflows for what an attacker would look for. Neither
asks anybody.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cli.commands.review.lint import lint
from cli.main import main
from tests.test_documents import blocks

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "action.yml"
COMPONENT = ROOT / "templates" / "lint" / "template.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
GUIDE = ROOT / "docs" / "ci.md"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def run(program: str, *words: str | Path) -> None:
    command = [str(Path(sys.executable).parent / program), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def examples() -> list[Any]:
    """Return the YAML of the guide, with a real name and a commit in place of those that a reader puts in."""
    return [
        yaml.safe_load(re.sub("0{40}", COMMIT, block).replace("OWNER/", "someone/"))
        for block in blocks(GUIDE.read_text())
        if re.match(r"[\w -]+:", block)
    ]


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    (found,) = [content for content in examples() if isinstance(content, dict) and "jobs" in content]
    # YAML 1.1 reads the key `on` as a boolean.
    found = {("on" if key is True else key): value for key, value in found.items()}
    file = tmp_path / ".github" / "workflows" / "lint.yml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(found))
    return file


def component() -> list[Any]:
    return list(yaml.safe_load_all(COMPONENT.read_text()))


def test_the_hooks_are_what_pre_commit_takes() -> None:
    run("pre-commit", "validate-manifest", HOOKS)


def test_the_configurations_of_the_guide_are_what_pre_commit_takes(tmp_path: Path) -> None:
    (found,) = [content for content in examples() if isinstance(content, dict) and "repos" in content]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(found))
    run("pre-commit", "validate-config", tmp_path / "config.yaml")
    named = set(re.findall(r"- id: (\S+)", GUIDE.read_text()))
    assert named == {hook["id"] for hook in yaml.safe_load(HOOKS.read_text())}


def test_the_hooks_look_at_what_lint_looks_at(tmp_path: Path) -> None:
    patterns = {hook["files"] for hook in yaml.safe_load(HOOKS.read_text())}
    (pattern,) = patterns
    from review.sources import files

    for name in ("a.yaml", "a/b.yml", "c.json", "Kustomization", "a/Kustomization", "a.txt", "MyKustomization", "yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        is_read = (tmp_path / name) in [each.path for each in files.find([tmp_path]) if isinstance(each, files.File)]
        assert (re.search(pattern, name) is not None) is is_read, name


def test_no_name_of_a_file_is_an_option_of_a_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "--fail-on=never.yaml").write_text("a: 1\n")
    (tmp_path / "--write-baseline=x.yaml").write_text("a: 1\n")
    names = sorted(path.name for path in tmp_path.iterdir())
    hooks = [hook for hook in yaml.safe_load(HOOKS.read_text()) if hook.get("pass_filenames", True)]
    assert hooks
    for hook in hooks:
        words = [*hook["entry"].split()[1:], *hook.get("args", ()), *names]
        done = CliRunner().invoke(main, words)
        assert (done.exit_code, done.stdout) == (0, "0 objects in 2 files: no findings\n")


def test_the_action_is_what_github_takes_and_what_zizmor_lets_pass() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION)
    run("zizmor", "--offline", "--no-config", "--persona", "pedantic", ACTION)


def test_other_actions_are_named_by_their_commit() -> None:
    used = [step["uses"] for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", name) for name in used)


def test_the_workflow_of_the_guide_is_what_github_takes_and_what_zizmor_lets_pass(workflow: Path) -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow)
    run("zizmor", "--offline", "--no-config", workflow)


def test_the_component_and_its_use_are_what_gitlab_takes(tmp_path: Path) -> None:
    # Two documents in a file: the inputs, and what a pipeline gets.
    (use,) = [content for content in examples() if isinstance(content, dict) and "include" in content]
    for number, document in enumerate([*component(), use]):
        (tmp_path / f"{number}.yml").write_text(yaml.safe_dump(document))
    run("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", *tmp_path.glob("*.yml"))


def test_every_input_is_used_and_every_input_that_is_used_is_there() -> None:
    spec, jobs = component()
    used = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", yaml.safe_dump(jobs)))
    assert used == set(spec["spec"]["inputs"])
    action = yaml.safe_load(ACTION.read_text())
    assert set(re.findall(r"inputs\.([\w-]+)", yaml.safe_dump(action["runs"]))) == set(action["inputs"])


def test_the_guide_names_every_input() -> None:
    guide = GUIDE.read_text()
    named = {*component()[0]["spec"]["inputs"], *yaml.safe_load(ACTION.read_text())["inputs"]}
    assert [name for name in named if f"`{name}`" not in guide] == []


@pytest.mark.parametrize("file", [ACTION, COMPONENT])
def test_every_option_is_one_of_lint(file: Path) -> None:
    known = {option for parameter in lint.params for option in parameter.opts}
    scripts = re.findall(r".*options\+?=.*|.*set -- .*|.*for pattern in .*", file.read_text())
    used = {word for script in scripts for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+", script)}
    assert len(used) > 2
    assert used <= known
