"""What the image holds, built in folders and run as the image runs it: in its environment, without this tree."""

import shutil
import subprocess
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook, serving
from testbed.load.objects import one_reference
from tests.e2e.caller import Caller
from tests.e2e.places import Places
from tests.e2e.uptime.conftest import NAMESPACES
from tests.image.dockerfile import ROOT, Image, build


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(tmp_path_factory.mktemp("image"))


def _run(image: Image, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=image.environment, cwd=image.root, capture_output=True, text=True, timeout=180, check=False
    )


def test_it_tells_how_it_is_used(image: Image) -> None:
    done = _run(image, *image.entrypoint, "--help")
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout
    assert "controller" in done.stdout


@pytest.mark.parametrize("name", ["tests", "testbed", "bench", "demo", "pytest", "hypothesis", "pip", "setuptools"])
def test_nothing_that_builds_or_tests_it_can_be_imported(image: Image, name: str) -> None:
    done = _run(image, "python", "-c", f"import {name}")
    assert f"No module named '{name}'" in done.stderr


def test_everything_is_compiled_and_nothing_is_written(image: Image) -> None:
    known = set(image.root.rglob("*"))
    assert _run(image, *image.entrypoint, "serve", "--help").returncode == 0
    assert set(image.root.rglob("*")) == known
    for source in (image.root / "opt" / "keyhole" / "app").rglob("*.py"):
        assert list((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc")), source


def test_the_image_for_review_checks_files_and_has_no_server(tmp_path: Path) -> None:
    review = build(tmp_path / "image", "Dockerfile.review")
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text("{apiVersion: v1, kind: Secret, metadata: {name: app}, stringData: {password: hunter2}}")
    done = _run(review, *review.entrypoint, "lint", str(manifest))
    assert "KH301" in done.stdout, done.stderr
    assert "No module named 'gevent'" in _run(review, "python", "-c", "import gevent").stderr


def test_it_serves(bed: Testbed, image: Image, connections: Path, places: Places, tmp_path: Path) -> None:
    environment = {**image.environment, "HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    program = [str(shutil.which(image.entrypoint[0], path=image.environment["PATH"]))]
    with serving(bed, tmp_path, connections, program=program, environment=environment) as webhook:
        assert _modules_of(webhook, image)
        assert Caller(webhook, places, NAMESPACES[0]).admit(one_reference(NAMESPACES[0], "app")).allowed


def _modules_of(webhook: Webhook, image: Image) -> bool:
    """Say whether the process maps files of the image, and none of this tree's environment."""
    maps = Path(f"/proc/{webhook.server.pid}/maps").read_text()
    return str(image.root) in maps and str(ROOT / ".venv" / "lib") not in maps
