"""Trees for tests of judges: texts, looked at as `keyhole lint` does."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from review.findings.report import Report
from review.lint.judging import Judge
from review.lint.lint import Lint, Source
from review.sources.text import NotChecked

TODAY = date(2026, 6, 1)


def secret(namespace: str, *references: str, name: str = "app") -> str:
    notes = "".join(f"    data.keyhole.dev/k{number}: '{text}'\n" for number, text in enumerate(references))
    where = f"  namespace: {namespace}\n" if namespace else ""
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n{where}  annotations:\n{notes}"


def judged(judges: Sequence[Judge], *texts: str | NotChecked) -> Report:
    run = Lint(TODAY, judges=judges)
    for number, text in enumerate(texts):
        run.look(text if isinstance(text, NotChecked) else Source(f"{number}.yaml", text.encode))
    return run.report()


def told(report: Report, *rules: str) -> list[tuple[str, str, str]]:
    """Return rule, severity and message of the findings of some rules."""
    return [(each.rule.id, str(each.severity), each.message) for each in report.findings if each.rule.id in rules]


def reasons(report: Report) -> list[str]:
    return [each.reason for each in report.unchecked]


def write(folder: Path, **files: str) -> Path:
    """Write policies: NAME="text", with `__` for `-`."""
    for name, text in files.items():
        (folder / f"{name.replace('__', '-')}.hcl").write_text(text)
    return folder


def grant(*paths: str, capability: str = "read") -> str:
    return "".join(f'path "{path}" {{\n  capabilities = ["{capability}"]\n}}\n' for path in paths)
