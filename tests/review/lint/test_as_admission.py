"""What admission refuses, lint finds, in the same words; what admission takes, lint takes."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from manifests.planning.plan import plan_object
from manifests.provenance.mac import Provenance
from manifests.variables.prepare import prepare
from manifests.variables.templates import BY_GROUP_AND_KIND
from review.lint.forms.seen import said
from tests.manifests.provenances import RING
from tests.review.lint.test_forms import DB, KINDS, MAP, SECRET, notes, run, workload

FIELDS = "keyhole.dev/fields: |"
REFUSED_ANYWHERE = {"KH101", "KH110", "KH206", "KH207"}
TEXTS = {
    "sound": SECRET + notes("data.keyhole.dev/a: vault:secret/a#b", "keyhole.dev/from: secret/a"),
    "no field": SECRET + notes("data.keyhole.dev/a: vault:secret/a"),
    "no reference": SECRET + notes("data.keyhole.dev/a: text"),
    "a blank in front": SECRET + notes("data.keyhole.dev/a: ' vault:secret/a#b'"),
    "an unknown function": SECRET + notes("data.keyhole.dev/a: vault:secret/a#b | nosuch"),
    "a bad escape": SECRET + notes("data.keyhole.dev/a: vault:secret/%zz#b"),
    "not closed": SECRET + "stringData:\n  a: x ((vault:secret/a#b\n",
    "in place": SECRET + "stringData:\n  a: x ((vault:secret/a#b))\n",
    "generated": SECRET.replace("name:", "generateName:") + notes("data.keyhole.dev/a: vault:a/b#c"),
    "generated and in place": SECRET.replace("name:", "generateName:") + "stringData:\n  a: vault:a/b#c\n",
    "in base64": SECRET + "data:\n  a: dmF1bHQ6c2VjcmV0L2E=\n",
    "ignored": SECRET + notes("keyhole.dev/ignore: a") + "stringData:\n  a: x ((vault:secret/a\n",
    "transit": SECRET + "stringData:\n  a: vault:v1:bm9uZQ==\n",
    "two fill one": SECRET + notes("data.keyhole.dev/a: vault:a/b#c", FIELDS, "  /data/a: vault:a/b#c"),
    "fields that are no map": SECRET + notes("keyhole.dev/fields: '[a]'"),
    "fields twice": SECRET + notes(FIELDS, "  /data/a: vault:a/b#c", "  /data/a: vault:a/b#c"),
    "fields elsewhere": SECRET + notes(FIELDS, "  /metadata/a: vault:a/b#c"),
    "a path of a field": SECRET + notes("keyhole.dev/from: secret/a#b"),
    "a path twice": SECRET + notes("keyhole.dev/from: 'secret/a,secret/a'"),
    "a variable of a Secret": SECRET + notes("env.keyhole.dev/A: vault:a/b#c"),
    "a file": SECRET + notes("data.keyhole.dev/a: key:t") + "stringData: {t: 'x ((vault:a/b#c))'}\n",
    "a file of nothing": SECRET + notes("data.keyhole.dev/a: key:t"),
    "a file without a reference": SECRET + notes("data.keyhole.dev/a: key:t") + "stringData: {t: x}\n",
    "a file that is one reference": SECRET + notes("data.keyhole.dev/a: key:t") + "stringData: {t: 'vault:a/b#c'}\n",
    "docker": SECRET + 'stringData:\n  .dockerconfigjson: \'{"auths": {"r": {"password": "vault:a/b#c"}}}\'\n',
    "docker elsewhere": SECRET + 'stringData:\n  .dockerconfigjson: \'{"auths": {}, "x": "vault:a/b#c"}\'\n',
    "a ConfigMap": MAP + notes("data.keyhole.dev/a: vault:a/b#c") + "data: {b: x}\n",
    "a ConfigMap with a value": MAP + notes("data.keyhole.dev/a: vault:a/b#c") + "data: {a: x}\n",
    "a ConfigMap from": MAP + notes("keyhole.dev/from: a/b"),
    "a custom resource": DB + notes(FIELDS, "  /spec/a: vault:a/b#c | int"),
    "a key of a custom resource": DB + notes("data.keyhole.dev/a: vault:a/b#c"),
    "a field that is not listed": DB + notes(FIELDS, "  /status/a: vault:a/b#c"),
    "a field in a field": DB + notes(FIELDS, "  /spec/a: vault:a/b#c", "  /spec/a/b: vault:a/b#c"),
    "a list that is not there": DB + notes(FIELDS, "  /spec/a/0/b: vault:a/b#c") + "spec: {a: []}\n",
    "a variable": workload("env.keyhole.dev/A: vault:a/b#c", "web.env.keyhole.dev/B: ((vault:a/b#c))"),
    "a container that is not there": workload("wob.env.keyhole.dev/A: vault:a/b#c"),
    "a variable twice": workload("env.keyhole.dev/A: vault:a/b#c", "keyhole.dev/env: '{A: vault:a/b#c}'"),
    "a variable without a name": workload("keyhole.dev/env: '{\"\": vault:a/b#c}'"),
    "no container": workload("keyhole.dev/env: '{/A: vault:a/b#c}'"),
    "a variable in place": workload(env=("{name: A, value: vault:a/b#c}",)),
    "in place and malformed": workload(env=("{name: A, value: 'vault:a/b'}",)),
    "in place under no annotation's name": workload(env=("{name: A B, value: vault:a/b#c}",)),
    "in place and beside": workload("web.env.keyhole.dev/A: vault:a/b#d", env=("{name: A, value: vault:a/b#c}",)),
    "a value beside": workload("env.keyhole.dev/A: vault:a/b#c", env=("{name: A, value: x}",)),
    "expanded": workload(env=("{name: A, value: '$(B) ((vault:a/b#c))'}",)),
    "a path of a variable": workload("keyhole.dev/env-from: vault:a/b#c"),
}


def refusals(manifest: Mapping[str, Any]) -> list[str]:
    """Return for what admission refuses an object that is created, without quoted texts."""
    group = manifest["apiVersion"].rpartition("/")[0]
    workload = BY_GROUP_AND_KIND.get((group, manifest["kind"]))
    if workload is not None:
        problems = prepare(workload, manifest["metadata"]["name"], manifest).problems
    else:
        codec = KINDS.of(group, manifest["kind"])
        assert codec is not None
        name = manifest["metadata"].get("name")
        by = Provenance(RING, codec.group, codec.kind, "shop", name) if name else None
        problems = plan_object(codec, codec.as_admitted(manifest), None, by, dry_run=True, version="v1").problems
    return [said(problem.message) for problem in problems]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_lint_finds_what_admission_refuses_and_no_more(text: str) -> None:
    told = run(text, kinds=KINDS).findings
    refused = refusals(yaml.safe_load(text))
    for message in refused:
        assert [each for each in told if message in each.message or _is_of_a_value(message, each.rule.id)], message
    if not refused:
        assert not {each.rule.id for each in told} & REFUSED_ANYWHERE


def _is_of_a_value(message: str, rule: str) -> bool:
    """Whether both say that an annotation fills what has a value of its own; each has words for its reader."""
    return rule == "KH206" and "of its own" in message


def test_the_texts_are_of_both_sorts() -> None:
    refused = [bool(refusals(yaml.safe_load(text))) for text in TEXTS.values()]
    assert min(refused.count(True), refused.count(False)) > 8
