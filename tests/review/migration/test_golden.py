"""What becomes of other tools' manifests, as whole files: `tests/golden/migration`."""

from datetime import date
from pathlib import Path

import pytest

from review.findings.rule import Severity
from review.languages.all import LANGUAGES
from review.languages.foreign import Context
from review.lint.lint import Lint, Source
from review.migration.plan import planned
from review.migration.rewrite import rewritten
from review.sources.files import File
from tests.review.migration.golden import FOLDER, inputs, results


@pytest.mark.parametrize("path", inputs(), ids=lambda path: f"{path.parent.name}/{path.name}")
class TestGolden:
    def test_the_results_are_those_of_the_golden_files(self, path: Path) -> None:
        assert {file.name: file.read_text() for file, _ in results(path)} == {
            file.name: text for file, text in results(path)
        }

    def test_a_second_time_nothing_is_left_to_do(self, path: Path) -> None:
        after = next(results(path))[0]
        plan = planned([File(after, after.name)], LANGUAGES, Context())
        assert [unit.object for file in plan.files for unit in file.units] == []

    def test_admission_takes_the_result(self, path: Path) -> None:
        """What is converted has no error; what is told stays what it was."""
        after = next(results(path))[0]
        run = Lint(date(2026, 11, 1))
        run.look(Source(after.name, after.read_bytes))
        found = (each for each in run.report().findings if not each.rule.is_about_secrets)
        errors = [each for each in found if each.severity is Severity.ERROR]
        assert [each for each in errors if each.object.name not in {"not-converted", "web", "report"}] == []


def test_every_golden_file_has_its_input() -> None:
    wanted = {file for path in inputs() for file in (path, *(result for result, _ in results(path)))}
    assert {path for path in FOLDER.rglob("*") if path.is_file()} == wanted


def test_rewritten_files_keep_what_cannot_be_proved(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData: &x\n  a: ref+vault://s/a#/b\nother: *x\n"
        "---\nkind: Secret\napiVersion: v1\nmetadata: {name: b}\nstringData: {a: ref+vault://s/a#/b}\n"
    )
    plan = planned([File(file, "a.yaml")], LANGUAGES, Context())
    result = rewritten(plan.files[0])
    assert [unit.object.name for unit in result.units] == ["b"]
    assert [str(note) for note in result.notes] == ["a.yaml:5:3: Secret a: not edited: the result could not be read"]
    assert result.text.startswith(file.read_text().partition("---")[0])
