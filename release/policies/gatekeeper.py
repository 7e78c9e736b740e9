"""Gatekeeper's ConstraintTemplates, made of the same Rego: it goes below `data.lib`, and an adapter asks it.

Sources: Gatekeeper, *Constraint Templates*, *Rego v1*; what its engine demands of libraries.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2] / "policies"
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class Template:
    """One template: the kind of its constraints, and the rule of a package that it asks.

    `parameters` is the schema of what a constraint may set; `libraries` are the packages that the rule needs.
    """

    kind: str
    title: str
    package: str
    rule: str
    libraries: Sequence[str]
    parameters: dict[str, Any]


_GRAMMAR: Final = ("characters", "grammar", "subject", "references")
TEMPLATES: Final = (
    Template(
        "KeyholeReferences",
        "References that cannot be read, and Secrets that hold values which Keyhole did not fill.",
        "references",
        "deny",
        _GRAMMAR,
        {
            "exemptTypes": {**_TEXTS, "description": "Globs of types of Secrets that may hold values."},
            "exemptSecrets": {**_TEXTS, "description": "Globs of NAMESPACE/NAME that may hold values."},
            "publicKeys": {
                "type": "object",
                "description": "By type of Secret, keys that are no secrets.",
                "additionalProperties": _TEXTS,
            },
        },
    ),
    Template(
        "KeyholeInPlace",
        "References in place of a value, where an annotation would not drift.",
        "references",
        "warn",
        _GRAMMAR,
        {},
    ),
    Template(
        "KeyholeImages",
        "Images of containers without a digest.",
        "images",
        "deny",
        ("subject", "images"),
        {"exemptImages": {**_TEXTS, "description": "Globs of images that may do without."}},
    ),
)


def manifests() -> dict[str, str]:
    """Return the templates as YAML, by the names of their files."""
    return {f"{each.kind.lower()}.yaml": _yaml(_template(each)) for each in TEMPLATES}


def _template(template: Template) -> dict[str, Any]:
    name = template.kind.lower()
    schema = {"type": "object", "properties": template.parameters}
    source = {
        "version": "v1",
        "rego": _adapter(name, template),
        "libs": [_library((ROOT / "keyhole" / f"{each}.rego").read_text()) for each in template.libraries],
    }
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": name, "annotations": {"description": template.title}},
        "spec": {
            "crd": {"spec": {"names": {"kind": template.kind}, "validation": {"openAPIV3Schema": schema}}},
            "targets": [
                {
                    "target": "admission.k8s.gatekeeper.sh",
                    "code": [{"engine": "Rego", "source": source}],
                }
            ],
        },
    }


def _adapter(name: str, template: Template) -> str:
    # Gatekeeper moves libraries elsewhere, and follows them in imports only, not where a rule names them in full.
    asked = f"{template.package}.{template.rule}"
    rule = f'violation contains {{"msg": found.msg, "details": found}} if some found in {asked}'
    return f"package {name}\n\nimport data.lib.keyhole.{template.package}\n\n{rule}\n"


def _library(text: str) -> str:
    """Return a package as a library. Its comments are left out: they are in the repository, and etcd has limits."""
    kept = [line for line in text.splitlines() if not line.startswith("#") and line != "import rego.v1"]
    moved = re.sub(r"^(package |import data\.)keyhole\b", r"\1lib.keyhole", "\n".join(kept), flags=re.MULTILINE)
    indented = re.sub(r"^\t+", lambda tabs: "  " * len(tabs[0]), moved, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", indented).strip() + "\n"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(content: Any) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)
