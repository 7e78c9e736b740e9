"""`python -m bench policies`: what the policies in Rego cost for objects of the largest kinds."""

import base64
import json
import random
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from bench.errors import BenchError
from bench.showing import failing, progressing
from release.policies.gatekeeper import ROOT

_MEBIBYTE: Final = 1024 * 1024
_SEED: Final = 1
_QUERIES: Final = {
    "Secret": "[data.keyhole.references.deny, data.keyhole.references.warn]",
    "Deployment": "[data.keyhole.images.deny, data.keyhole.references.deny]",
}
_MILLISECONDS_A_NANOSECOND: Final = 1e-6


@click.command("policies")
@click.option("--opa", default="opa", show_default=True, help="The program, by its name or its path.")
@click.option("--rounds", type=click.IntRange(1, 99), default=3, show_default=True, help="The least of these is told.")
def policies_command(*, opa: str, rounds: int) -> None:
    """Measure the policies in Rego on Secrets of 1 MiB and workloads of 500 containers.

    Needs no servers. It prints a table in Markdown.

    \b
    Examples:
      python -m bench policies
      python -m bench policies --opa ~/go/bin/opa --rounds 5
    """
    found = objects()
    with failing(), progressing(len(found)) as advance, tempfile.TemporaryDirectory() as folder:
        program = shutil.which(opa)
        if program is None:
            raise BenchError(f"there is no program {opa}")
        print("| object | milliseconds | MB allocated |\n|---|---|---|")
        for name, content in found.items():
            advance(name)
            file = Path(folder) / "input.json"
            file.write_text(json.dumps(content))
            least = min(_measured(program, file, _QUERIES[content["kind"]]) for _ in range(rounds))
            print(f"| {name} | {least[0]:.0f} | {least[1]:.0f} |")


def objects() -> Mapping[str, Mapping[str, Any]]:
    """Return the objects that are measured, by what is large about them."""
    chance = random.Random(_SEED)
    reference = "vault:secret/shop/app#f{} | trim"

    def encoded(size: int) -> str:
        return base64.b64encode(chance.randbytes(size)).decode()

    return {
        "a Secret with 1 MiB in one key": _secret({"key": encoded(_MEBIBYTE)}),
        "a Secret with 1 MiB in 1,000 keys": _secret({f"key{n}": encoded(_MEBIBYTE // 1000) for n in range(1000)}),
        "a Secret with 1 MiB in 5,000 keys": _secret({f"key{n}": encoded(_MEBIBYTE // 5000) for n in range(5000)}),
        "a Secret with 1,000 references in annotations": _secret(
            {}, {f"data.keyhole.dev/key{n}": reference.format(n) for n in range(1000)}
        ),
        "a Secret with 1,000 references in place": _secret(
            {f"key{n}": base64.b64encode(reference.format(n).encode()).decode() for n in range(1000)}
        ),
        "a Deployment of 500 containers, with tags": _deployment("registry.example/{}/app:1"),
        "a Deployment of 500 containers, with digests": _deployment("registry.example/{}/app@sha256:" + "0" * 64),
    }


def _secret(data: Mapping[str, str], notes: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    metadata = {"name": "app", "namespace": "shop", "annotations": notes or {}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _deployment(image: str) -> Mapping[str, Any]:
    variables = [{"name": f"V{n}", "value": "x"} for n in range(10)]
    containers = [{"name": f"c{number}", "image": image.format("p" * 100), "env": variables} for number in range(500)]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    metadata = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}


def _measured(opa: str, file: Path, query: str) -> tuple[float, float]:
    """Return the milliseconds and the megabytes that OPA takes for one evaluation."""
    command = (opa, "bench", "--bundle", str(ROOT), "--input", str(file), "--format", "json", "--benchmem", query)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"opa bench ended with {done.returncode}: {done.stderr[-1000:]}")
    (figures,) = json.loads(done.stdout) if done.stdout.lstrip().startswith("[") else [json.loads(done.stdout)]
    each = figures["N"]
    return figures["T"] / each * _MILLISECONDS_A_NANOSECOND, figures["MemBytes"] / each / 1e6
