"""`python -m release.sbom OUTPUT`: the software bill of materials of the image's Python part.

It joins two sources: the pins of `requirements.txt`, with the hash of each file that pip may install, and what
cyclonedx-bom finds in the virtual environment, with licences and who depends on whom. What is pinned for other systems
is left out. The same tree gives the same bytes.
Source: CycloneDX 1.6, JSON; PEP 508 for the markers.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cli.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
# The image's, as far as markers ask for it.
_IMAGE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.15",
    "python_version": "3.13",
    "sys_platform": "linux",
}
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SECONDS = 300


class SbomError(Exception):
    """The bill cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A line of a requirements file: one version, and the SHA-256 digests of its files."""

    name: str
    version: str
    digests: Sequence[str]


def pins(text: str) -> Sequence[Pin]:
    """Return what a pip requirements file pins for the image, in its order. Raises SbomError where there is no pin."""
    lines = re.sub(r"\\\n", " ", text).splitlines()
    found = []
    for line in lines:
        told, _, _ = line.partition(" #") if "--hash" in line else (line.partition("#")[0], "", "")
        if not told.strip():
            continue
        requirement = Requirement(told.partition("--hash")[0].strip())
        if requirement.marker is not None and not requirement.marker.evaluate(_IMAGE):
            continue
        versions = [specifier.version for specifier in requirement.specifier if specifier.operator == "=="]
        digests = sorted(_HASH.findall(told))
        if len(versions) != 1 or not digests:
            raise SbomError(f"{requirement.name} is not pinned to one version with hashes")
        found.append(Pin(canonicalize_name(requirement.name), versions[0], digests))
    return found


def bill(found: Mapping[str, Any], pinned: Sequence[Pin], project: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return the bill, of what cyclonedx-bom found in an environment, the pins, and `project` of a pyproject.toml.

    Raises SbomError when something that is pinned is not found in the version that is pinned.
    """
    by_name: dict[str, Any] = {canonicalize_name(component["name"]): component for component in found["components"]}
    components = [_component(by_name.get(pin.name), pin) for pin in pinned]
    known = {component["bom-ref"] for component in components}
    root = {
        "bom-ref": "keyhole",
        "type": "application",
        "name": project["name"],
        "version": version,
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"], "acknowledgement": "declared"}}],
    }
    depended = {ref for entry in found["dependencies"] if entry["ref"] in known for ref in entry.get("dependsOn", [])}
    dependencies = [
        {"ref": "keyhole", "dependsOn": sorted(known - depended)},
        *(_within(entry, known) for entry in found["dependencies"] if entry["ref"] in known),
    ]
    return {
        **{name: found[name] for name in ("$schema", "bomFormat", "specVersion", "version")},
        "metadata": {**found["metadata"], "component": root},
        "components": sorted(components, key=lambda component: str(component["bom-ref"]).lower()),
        "dependencies": sorted(dependencies, key=lambda entry: str(entry["ref"]).lower()),
    }


def _component(component: Mapping[str, Any] | None, pin: Pin) -> dict[str, Any]:
    if component is None or component["version"] != pin.version:
        raise SbomError(f"{pin.name} {pin.version} is pinned, but not installed: make venv")
    files = {
        "type": "distribution",
        "url": component["purl"],
        "comment": "the files that pip may install",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in pin.digests],
    }
    return {**component, "externalReferences": [*component.get("externalReferences", []), files]}


def _within(entry: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    depends = sorted(ref for ref in entry.get("dependsOn", []) if ref in known)
    return {"ref": entry["ref"], **({"dependsOn": depends} if depends else {})}


def environment() -> dict[str, Any]:
    """Return what cyclonedx-bom finds in the environment of this Python."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        [*command, "--sv", "1.6", "--of", "JSON", sys.executable], capture_output=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise SbomError(f"cyclonedx-py ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace')}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rendered() -> str:
    """Return the bill of this tree as JSON. Raises SbomError."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    made = bill(environment(), pins((ROOT / "requirements.txt").read_text()), project, VERSION)
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


def check(text: str) -> None:
    """Check a bill against CycloneDX's schema, which takes a while. Raises SbomError."""
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(_shortened(json.loads(text))))
    if problem is not None:
        raise SbomError(f"it is not valid: {problem}")


def _shortened(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bill with one hash of each file list: the validator compares each of thousands with each."""
    components = []
    for component in made["components"]:
        *others, files = component["externalReferences"]
        components.append({**component, "externalReferences": [*others, {**files, "hashes": files["hashes"][:1]}]})
    return {**made, "components": components}


def main() -> None:
    """Write the bill to the file that is named on the command line."""
    output = Path(sys.argv[1])
    try:
        text = rendered()
        check(text)
    except SbomError as error:
        sys.exit(f"sbom: {error}")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)


if __name__ == "__main__":
    main()
