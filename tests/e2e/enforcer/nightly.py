"""One run of the Enforcer as the chart's CronJob makes it, and what its report says."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.keyhole.pods import Pod
from tests.e2e.enforcer.installed import Installed
from tests.e2e.places import Places

_SECONDS = 180.0
_CLAIMS = "var/lib/keyhole"


@dataclass(frozen=True)
class Night:
    """What one run left behind. `code` is its exit code, `report` its JSON."""

    code: int
    report: Mapping[str, Any]

    @property
    def findings(self) -> Sequence[Mapping[str, Any]]:
        """All findings, each with the standard that it breaks."""
        return [
            {**finding, "standard": standard["name"]}
            for standard in self.report["standards"]
            for finding in standard["findings"]
        ]

    @property
    def unchecked(self) -> Mapping[str, Sequence[str]]:
        """The reasons for what was not checked, by standard."""
        standards = self.report["standards"]
        return {each["name"]: [one["reason"] for one in each["unchecked"]] for each in standards if each["unchecked"]}

    def about(self, **object_parts: str) -> Sequence[tuple[str, str]]:
        """Return standard and message of the findings about objects with these parts, such as `namespace`."""
        return [
            (each["standard"], each["message"])
            for each in self.findings
            if object_parts.items() <= each["object"].items()
        ]


@dataclass(frozen=True)
class Nightly:
    """The CronJob. Its claims are folders, which outlive a run."""

    pod: Pod
    installed: Installed
    places: Places

    @property
    def folder(self) -> Path:
        """Where the claims lie: `reports`, `trail` and `manifests`."""
        return self.pod.directory / "root" / _CLAIMS

    def collect_trail(self) -> None:
        """Bring the trail to where it is collected, as a log shipper does."""
        (self.folder / "trail").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.installed.trail, self.folder / "trail" / "audit.log")

    def run(self) -> Night:
        """Run it to its end. Nothing that it leaves behind may hold a value."""
        done = self.pod.run(_SECONDS)
        self.places.note("the Enforcer's output", done.stdout + done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        (self.folder / "reports").mkdir(parents=True, exist_ok=True)
        for file in (self.folder / "reports").iterdir():
            self.places.note(f"the Enforcer's {file.name}", file.read_bytes())
        assert done.returncode in {0, 1, 2}, done.stderr
        report = json.loads((self.folder / "reports" / "compliance.json").read_text())
        return Night(done.returncode, report)
