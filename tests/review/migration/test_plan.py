"""What is to change in which file: two passes, several languages, and what no plan may do."""

from datetime import date
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from review.findings.report import Report
from review.languages.all import LANGUAGES
from review.languages.foreign import Context
from review.lint.lint import Lint, Source
from review.migration.hints import hints
from review.migration.plan import Ambiguous, Plan, planned
from review.migration.rewrite import rewritten
from review.sources.edits import Put, Replace
from review.sources.files import File
from review.sources.text import NotChecked, Place
from tests.review.sources.manifests import Writer

CANARY = "canary-2e9a"
STORE = """\
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
spec: {provider: {vault: {server: "https://vault.example:8200", path: secret, version: v2}}}
"""
EXTERNAL = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: app, namespace: shop}
spec:
  secretStoreRef: {name: vault}
  data: [{secretKey: password, remoteRef: {key: app, property: password}}]
"""


def plan(folder: Path, **texts: str) -> Plan:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return planned([File(folder / f"{name}.yaml", f"{name}.yaml") for name in texts], LANGUAGES, Context())


def test_a_store_may_stand_in_a_later_file(tmp_path: Path) -> None:
    found = plan(tmp_path, app=EXTERNAL, store=STORE)
    (unit,) = (unit for file in found.files for unit in file.units)
    assert (unit.language, str(unit.object)) == ("eso", "ExternalSecret shop/app")
    assert isinstance(unit.edits[0], Replace)
    assert list(found.stanzas) == ["default"]


def test_items_of_a_list_are_edited_within_it(tmp_path: Path) -> None:
    items = "".join(
        f"- apiVersion: v1\n  kind: Secret\n  metadata: {{name: {name}}}\n  stringData: {{k: <path:s/{name}#k>}}\n"
        for name in ("a", "b")
    )
    found = plan(tmp_path, app=f"apiVersion: v1\nkind: List\nitems:\n{items}")
    paths = [edit.path for unit in found.files[0].units for edit in unit.edits if isinstance(edit, Put)]
    assert [path[:2] for path in paths] == [("items", 0), ("items", 1)]
    after = yaml.safe_load(rewritten(found.files[0]).text)
    assert [item["metadata"]["annotations"]["data.keyhole.dev/k"] for item in after["items"]] == [
        "vault:s/a#k",
        "vault:s/b#k",
    ]


def test_two_languages_share_an_object(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: <path:s/a#k>\n  v: ref+vault://s/a#/k\n"
    )
    found = plan(tmp_path, app=text)
    assert [unit.language for unit in found.files[0].units] == ["avp", "vals"]
    assert yaml.safe_load(rewritten(found.files[0]).text)["metadata"]["annotations"] == {
        "data.keyhole.dev/a": "vault:s/a#k",
        "data.keyhole.dev/v": "vault:s/a#k",
    }


def test_two_languages_share_a_list(tmp_path: Path) -> None:
    texts = ("ref+vault://s/a#/k", "stays", "${vault:s/a#k}", "<path:s/a#k>", "ref+vault://s/b#/k", "stays too")
    env = [{"name": f"N{number}", "value": text} for number, text in enumerate(texts)]
    spec = {"containers": [{"name": "web", "env": env}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    after = yaml.safe_load(rewritten(plan(tmp_path, app=yaml.safe_dump(pod)).files[0]).text)
    assert [entry["name"] for entry in after["spec"]["containers"][0]["env"]] == ["N1", "N5"]
    assert set(after["metadata"]["annotations"]) == {f"env.keyhole.dev/N{number}" for number in (0, 2, 3, 4)}


def test_the_second_of_two_languages_waits_where_both_write_one_annotation(tmp_path: Path) -> None:
    data = "  .a: <path:s/a#k>\n  .v: ref+vault://s/a#/k\n"
    found = plan(tmp_path, app=f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n{data}")
    assert [unit.language for unit in found.files[0].units] == ["avp"]
    assert [note.message for note in found.notes] == ["another language writes the same annotation"]
    text = rewritten(found.files[0]).text
    again = plan(tmp_path, app=text)
    assert [note.message for note in again.notes] == ["there is an annotation keyhole.dev/fields already"]


def test_one_connection_is_one_vault(tmp_path: Path) -> None:
    two = [f"a: ref+vault://s/a?address=https://{name}.example#/k\n" for name in ("one", "two")]
    with pytest.raises(Ambiguous, match="https://one.example and https://two.example"):
        plan(tmp_path, a=two[0], b=two[1])


def test_what_cannot_be_read_is_not_checked_and_hides_nothing(tmp_path: Path) -> None:
    found = plan(tmp_path, app="a: {{ .x }} <path:\n---\npassword: ref+vault://s/a#/k\n")
    gone = planned([NotChecked(Place("x"), "why"), File(tmp_path / "gone", "gone")], LANGUAGES, Context())
    assert [str(each) for each in found.unchecked] == [
        "app.yaml:1:13: not checked, a template has to be rendered first"
    ]
    assert len(found.files[0].units) == 1
    assert [each.reason for each in gone.unchecked] == ["why", "it cannot be read: No such file or directory"]


def linted(text: str) -> Report:
    run = Lint(date(2026, 11, 1), foreign=hints)
    run.look(Source("a.yaml", text.encode))
    return run.report()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: <path:s/a#k>, b: <path:s/a#l>}\n",
            ["2 references of another tool; `keyhole migrate --from avp` converts what can be converted"],
        ),
        (
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{a: <path:s/a#k | {CANARY}>}}\n",
            ["`keyhole migrate --from avp`: Keyhole has nothing for its modifier this one"],
        ),
        (
            "a: ref+vault://s/a#/k\n",
            ["a reference of another tool; `keyhole migrate --from vals`", "`keyhole render` fills the references"],
        ),
        (EXTERNAL, ["an object of another tool; `keyhole migrate --from eso` converts it, or says why not"]),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: vault:s/a#k}\n", []),
        (STORE, []),
    ],
)
def test_lint_has_a_note_of_it(text: str, expected: list[str]) -> None:
    found = [each for each in linted(text).findings if each.rule.id == "KH401"]
    for finding, message in zip(found, expected, strict=False):
        assert message in finding.message
    assert len(found) == len(expected)
    assert CANARY not in f"{found}"


REFERENCES = (
    *("vault:secret/data/a#k", "x ${vault:s/a#k} y", "vault:s/a#${.k | upper}", ">>vault:s/a#k#{}", "<path:s/a#k>"),
    *("<path:s/a#k#2 | base64encode>", "<path:a#k>", "ref+vault://s/a#/k", "x ref+vault://s/a#/k+y", "ref+echo://x"),
    *("line one\npassword: <path:s/a#k>\nlast\n", "url=${vault:s/a#k}\nother\n", "plain", "((vault:s/a#k))"),
)


def an_object(random: Random) -> str:
    keys = random.sample(["password", "user", ".npmrc", "a.b", "x_y", "tls.crt"], random.randint(1, 5))
    content: dict[str, object] = {"apiVersion": "v1", "kind": random.choice(["Secret", "ConfigMap", "Secret"])}
    content["metadata"] = {"name": "app", **({"annotations": {"owner": "x"}} if random.random() < 0.5 else {})}
    content["stringData" if content["kind"] == "Secret" else "data"] = {key: random.choice(REFERENCES) for key in keys}
    if random.random() < 0.4:
        env = [{"name": f"N{number}", "value": random.choice(REFERENCES)} for number in range(random.randint(1, 4))]
        pod = {"containers": [{"name": "web", "env": env}, {"env": list(env), "name": "side"}]}
        content = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
        content["spec"] = {"template": {"metadata": {"labels": {"app": "web"}}, "spec": pod}}
    text = Writer(random).block(content)
    return text.replace("\n", "\r\n") if random.random() < 0.2 else text


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_twice_is_once_and_what_is_not_converted_stays(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    random = Random(seed)
    text = "---\n".join(an_object(random) for _ in range(random.randint(1, 3)))
    folder = tmp_path_factory.mktemp("law")
    first = plan(folder, app=text)
    results = [rewritten(file) for file in first.files]
    after = results[0].text if results else text
    assert [rewritten(file).text for file in plan(folder, app=after).files if rewritten(file).text != after] == []
