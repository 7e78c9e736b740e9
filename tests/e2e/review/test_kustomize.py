"""What is read of generators in files is what `kubectl kustomize` prints of them."""

import base64
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.reading.documents import read_path, read_text
from provisioning.reading.usage import survey
from review.sources.kustomization import Generated, beside, generated
from testbed.programs.reports import SilentReport
from testbed.programs.toolbox import Toolbox

R = "vault:secret/app#"
FILES = {
    "plain.txt": b"text\n",
    "ref.txt": f"{R}ref".encode(),
    "inline.conf": f"user=a\npassword=(({R}inline))\n".encode(),
    "sub/deep.txt": f"{R}deep\n".encode(),
    "bytes.bin": bytes(range(256)),
    "empty.txt": b"",
    "a.env": f"# a comment\n\n  A={R}a\nB=two words \nC='quoted'\nD=\nE=x=y=z\n".encode(),
    "crlf.env": f"F={R}f\r\nG=g\r\n".encode(),
    "bom.env": b"\xef\xbb\xbfH=h\n",
    "inner.env": f'I="{R}i"\n   # indented comment\nJ=a#b\n'.encode(),
}
# The entries of one generator each, in YAML's flow style.
ENTRIES = {
    "a literal": f"literals: ['p={R}p']",
    "several literals": f"literals: ['p={R}p', 'q=plain', 'r=x(({R}r))y']",
    "single quotes": f"literals: [\"p='{R}p'\"]",
    "double quotes": f"literals: ['p=\"{R}p\"']",
    "one quote": 'literals: ["p=\'x"]',
    "a quote alone": 'literals: ["p=\'"]',
    "quotes within": "literals: ['p=a\"b\"']",
    "two pairs of quotes": "literals: [\"p=''x''\"]",
    "unequal quotes": "literals: ['p=\"x''']",
    "no value": "literals: ['p=']",
    "several equals signs": "literals: ['p=a=b=c']",
    "blanks": "literals: ['p= a ']",
    "a line break": 'literals: ["p=a\\nb"]',
    "a character beyond ASCII": "literals: ['p=schlüssel😀']",
    "a key with dots": f"literals: ['.dockerconfigjson={R}p']",
    "a file": "files: [ref.txt]",
    "a file by another key": "files: [key=ref.txt]",
    "a file in a folder": "files: [sub/deep.txt]",
    "a file with text around": "files: [inline.conf, plain.txt]",
    "bytes": "files: [bytes.bin]",
    "an empty file": "files: [empty.txt]",
    "a path with dots": "files: [./sub/../ref.txt]",
    "a key for a file in a folder": "files: ['a.b-c_d=sub/deep.txt']",
    "variables": "envs: [a.env]",
    "variables with CR LF": "envs: [crlf.env]",
    "variables with a byte order mark": "envs: [bom.env]",
    "variables in quotes": "envs: [inner.env]",
    "several files of variables": "envs: [a.env, crlf.env]",
    "the old form": "env: a.env",
    "all of it": f"literals: ['p={R}p'], files: [ref.txt], envs: [crlf.env]",
    "a type": f"type: kubernetes.io/basic-auth, literals: ['password={R}p', username=u]",
    "annotations": f"options: {{annotations: {{data.keyhole.dev/p: '{R}p'}}}}",
    "labels": f"literals: ['p={R}p'], options: {{labels: {{a: b}}}}",
    "no hash": f"literals: ['p={R}p'], options: {{disableNameSuffixHash: true}}",
    "immutable": f"literals: ['p={R}p'], options: {{immutable: true}}",
    "a namespace of its own": f"namespace: other, literals: ['p={R}p']",
}
# What stands in the file beside the generator.
HEADS = {
    "a namespace": "namespace: shop\n",
    "options": f"generatorOptions: {{annotations: {{data.keyhole.dev/all: '{R}all'}}, labels: {{c: d}}}}\n",
    "no hash for all": "generatorOptions: {disableNameSuffixHash: true, immutable: true}\n",
    "a component": "components: [component]\n",
    "two namespaces": "namespace: shop\n",
}
OF_A_HEAD = {"two namespaces": "a namespace of its own"}
COMPONENT = (
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    f"secretGenerator:\n- {{name: of-component, literals: ['k={R}component']}}\n"
    f"configMapGenerator:\n- {{name: of-component, literals: ['k={R}config']}}\n"
)
CASES = [("", entry) for entry in ENTRIES] + [(head, OF_A_HEAD.get(head, "all of it")) for head in HEADS]


@pytest.fixture(scope="module")
def kubectl() -> Path:
    toolbox = Toolbox(SilentReport())
    toolbox.ensure(["kubectl"])
    return toolbox.path("kubectl")


def write(folder: Path, head: str, entry: str) -> None:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    generators = f"secretGenerator:\n- {{name: made, {ENTRIES[entry]}}}\n"
    config_map = re.sub(r"type: [^,]*, ", "", ENTRIES[entry])
    generators += f"configMapGenerator:\n- {{name: made-too, {config_map}}}\n"
    (folder / "kustomization.yaml").write_text(HEADS.get(head, "") + generators)
    if head == "a component":
        (folder / "component").mkdir()
        (folder / "component" / "kustomization.yaml").write_text(COMPONENT)


def printed(kubectl: Path, folder: Path) -> list[dict[str, Any]]:
    command = [str(kubectl), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def read(folder: Path) -> Iterator[Generated]:
    for file in sorted(folder.rglob("kustomization.yaml")):
        yield from generated(yaml.safe_load(file.read_text()), beside(file.parent))


def bytes_of(made: dict[str, Any]) -> dict[str, bytes]:
    """Return the values of a printed object."""
    plain = {} if made["kind"] == "Secret" else made.get("data", {})
    encoded = made.get("data", {}) if made["kind"] == "Secret" else made.get("binaryData", {})
    return {
        **{key: value.encode() for key, value in plain.items()},
        **{key: base64.b64decode(value) for key, value in encoded.items()},
    }


def compared(made: dict[str, Any], has_hash: bool) -> dict[str, Any]:
    """Return what is compared of a printed object: without the hash in its name, whose form is checked."""
    metadata, name = made["metadata"], made["metadata"]["name"]
    if has_hash:
        name, _, suffix = name.rpartition("-")
        assert re.fullmatch(r"[a-z0-9]{10}", suffix)
    return {
        "kind": made["kind"],
        "name": name,
        "namespace": metadata.get("namespace"),
        "annotations": metadata.get("annotations", {}),
        "labels": metadata.get("labels", {}),
        "type": made.get("type"),
        "immutable": made.get("immutable", False),
        "values": bytes_of(made),
    }


def seen(made: Generated) -> dict[str, Any]:
    metadata = made.manifest["metadata"]
    return {
        "kind": made.kind,
        **{part: metadata[part] for part in ("name", "namespace", "annotations", "labels")},
        "type": made.manifest.get("type"),
        "immutable": made.manifest.get("immutable", False),
        "values": {key: value for taken in made.taken for key, value in taken.pairs},
    }


def in_order(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(objects, key=lambda each: (each["kind"], each["name"]))


@pytest.mark.parametrize(("head", "entry"), CASES, ids=[f"{head or 'alone'}: {entry}" for head, entry in CASES])
def test_what_is_read_is_what_kustomize_makes(kubectl: Path, tmp_path: Path, head: str, entry: str) -> None:
    write(tmp_path, head, entry)
    mine = list(read(tmp_path))
    assert not [taken.left_out for made in mine for taken in made.taken if taken.left_out]
    hashed = {(made.kind, made.manifest["metadata"]["name"]): made.has_hash for made in mine}
    made = printed(kubectl, tmp_path)
    is_hashed = [hashed[each["kind"], re.sub(r"-[a-z0-9]{10}$", "", each["metadata"]["name"])] for each in made]
    theirs = [compared(each, flag) for each, flag in zip(made, is_hashed, strict=True)]
    assert in_order([seen(each) for each in mine]) == in_order(theirs)

    # The policy of the sources has every path that the rendered objects name.
    of_sources = survey(read_path(tmp_path), "shop", "default")
    rendered = read_text(yaml.safe_dump_all(made).encode(), "rendered.yaml")
    of_rendered = survey(rendered, "shop", "default")
    assert {each.reference for each in of_sources.used} == {each.reference for each in of_rendered.used}
    assert (of_sources.findings == []) is (of_rendered.findings == [])


@pytest.mark.parametrize("behavior", ["create", "merge", "replace"])
def test_over_a_base_the_policy_has_every_path_at_least(kubectl: Path, tmp_path: Path, behavior: str) -> None:
    entry = f"{{name: made, literals: ['k={R}base', 'l={R}other']}}"
    over = f"{{name: {'more' if behavior == 'create' else 'made'}, behavior: {behavior}, literals: ['k={R}overlay']}}"
    for name, text in {
        "base": f"secretGenerator:\n- {entry}\n",
        "overlay": f"resources: [../base]\nsecretGenerator:\n- {over}\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(text)
    made = printed(kubectl, tmp_path / "overlay")
    expected = {"create": {b"base", b"other", b"overlay"}, "merge": {b"other", b"overlay"}, "replace": {b"overlay"}}
    rendered = {value.rpartition(b"#")[2] for each in made for value in bytes_of(each).values()}
    assert rendered == expected[behavior]
    read_here = {each.reference.field.encode() for each in survey(read_path(tmp_path), "shop", "default").used}
    assert read_here == {b"base", b"other", b"overlay"}
    assert rendered <= read_here


def test_there_are_forty() -> None:
    assert len(CASES) >= 40
