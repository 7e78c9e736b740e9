"""The software bill of materials."""

import json
import re
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from release.sbom import _IMAGE, ROOT, Pin, SbomError, bill, check, pins, rendered
from tests.image.dockerfile import stages

HASH = "a" * 64
PROJECT = {"name": "keyhole", "description": "What it does", "license": "Apache-2.0"}


@pytest.fixture(scope="module")
def text() -> str:
    return rendered()


@pytest.fixture(scope="module")
def made(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_it_holds_what_is_installed_in_the_image_and_nothing_else(made: dict[str, Any]) -> None:
    pinned = {pin.name: pin.version for pin in pins((ROOT / "requirements.txt").read_text())}
    held = {canonicalize_name(component["name"]): component["version"] for component in made["components"]}
    assert held == pinned
    assert {"flask", "gunicorn", "hvac"} <= held.keys()
    assert not {"pytest", "ruff", "cyclonedx-bom"} & held.keys()


def test_each_component_has_its_licence_its_address_and_the_hash_of_each_of_its_files(made: dict[str, Any]) -> None:
    pinned = {pin.name: pin.digests for pin in pins((ROOT / "requirements.txt").read_text())}
    for component in made["components"]:
        assert component["licenses"], component["name"]
        assert component["purl"].startswith("pkg:pypi/")
        (files,) = [
            part for part in component["externalReferences"] if part["type"] == "distribution" and "hashes" in part
        ]
        assert [part["content"] for part in files["hashes"]] == pinned[canonicalize_name(component["name"])]


def test_it_tells_what_depends_on_what(made: dict[str, Any]) -> None:
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in made["dependencies"]}
    known = {component["bom-ref"] for component in made["components"]}
    assert depends.keys() == {"keyhole", *known}
    reached, waiting = set(), ["keyhole"]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += depends[ref]
    assert reached == {"keyhole", *known}
    assert any(ref.startswith("gunicorn==") for ref in depends["keyhole"])


def test_it_is_valid(text: str) -> None:
    check(text)


def test_what_is_not_valid_is_told(text: str) -> None:
    with pytest.raises(SbomError, match="not valid"):
        check(text.replace('"type": "library"', '"type": "book"'))


def test_it_is_the_same_every_time_and_tells_nothing_of_this_machine(text: str) -> None:
    is_the_same = rendered() == text  # what differs would take minutes to be shown
    assert is_the_same
    assert str(ROOT) not in text
    assert "file:" not in text
    assert not re.search(r"/(home|root|tmp|usr)/", text)
    assert '"timestamp"' not in text


def test_the_python_that_markers_are_asked_of_is_the_image_s() -> None:
    last = stages((ROOT / "Dockerfile").read_text())[-1]
    found = re.search(r"python:(\d+\.\d+)\.(\d+)-", last.base)
    assert found
    assert _IMAGE["python_version"] == found[1]
    assert _IMAGE["python_full_version"] == f"{found[1]}.{found[2]}"


def test_what_is_pinned_for_other_systems_is_left_out() -> None:
    text = (
        f"a==1.0 \\\n    --hash=sha256:{HASH}\n    # via b\n"
        f"b==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{HASH}\n"
        f"c==3.0 ; python_version >= '3.12' \\\n    --hash=sha256:{HASH}\n"
    )
    assert pins(text) == [Pin("a", "1.0", [HASH]), Pin("c", "3.0", [HASH])]


@pytest.mark.parametrize("line", ["a==1.0", f"a>=1.0 --hash=sha256:{HASH}"], ids=["without a hash", "without a pin"])
def test_what_is_not_pinned_is_refused(line: str) -> None:
    with pytest.raises(SbomError, match="a is not pinned"):
        pins(line)


@pytest.mark.parametrize("components", [[], [{"name": "a", "version": "2.0"}]], ids=["missing", "of another version"])
def test_what_is_pinned_and_not_installed_is_refused(components: list[dict[str, str]]) -> None:
    found = {"components": components, "dependencies": []}
    with pytest.raises(SbomError, match="make venv"):
        bill(found, [Pin("a", "1.0", [HASH])], PROJECT, "0.1.0")
