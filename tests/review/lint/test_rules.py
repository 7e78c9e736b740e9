"""The other rules: references, annotations, kustomizations, comments, and what only the whole tree tells."""

from base64 import b64encode
from datetime import date
from pathlib import Path

import pytest

from review.findings import baseline
from review.findings.report import Report
from review.findings.rule import Severity
from review.lint import document
from review.lint.catalogue import BY_ID, RULES
from review.lint.lint import Lint, Source, sources
from review.sources import files

TODAY = date(2026, 6, 1)
CANARY = "canary-5c1e"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  namespace: shop\n"
FILLED = SECRET + "  annotations:\n    data.keyhole.dev/a: vault:secret/shop/app#a\n"


def looked_at(*texts: str, file: str = "f.yaml", run: Lint | None = None) -> Report:
    run = run or Lint(TODAY)
    for number, text in enumerate(texts):
        run.look(Source(file if number == 0 else f"{number}-{file}", text.encode))
    return run.report()


def found(*texts: str, file: str = "f.yaml") -> list[tuple[str, int, str]]:
    return [(each.rule.id, each.place.line, each.pointer) for each in looked_at(*texts, file=file).findings]


NOTES = "/metadata/annotations"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(FILLED, [], id="sound"),
        pytest.param(
            FILLED.replace("#a", ""), [("KH101", 7, f"{NOTES}/data.keyhole.dev~1a")], id="a reference without a field"
        ),
        pytest.param(
            SECRET + "stringData:\n  x: ((vault:a\n", [("KH101", 7, "/stringData/x")], id="malformed in place"
        ),
        pytest.param(
            SECRET + "  annotations:\n    keyhole.dev/fields: |\n      /data/a: vault:x\n",
            [("KH101", 8, f"{NOTES}/keyhole.dev~1fields")],
            id="malformed in the map of fields",
        ),
        pytest.param(
            SECRET + "  annotations:\n    keyhole.dev/feilds: x\n",
            [("KH205", 7, f"{NOTES}/keyhole.dev~1feilds")],
            id="misspelt",
        ),
        pytest.param(FILLED + f"stringData: {{a: {CANARY}}}\n", [("KH206", 8, "/stringData/a")], id="a value beside"),
        pytest.param(
            SECRET + f"  annotations:\n    data.keyhole.dev/{'x' * 64}: vault:secret/a#b\n",
            [("KH207", 7, f"{NOTES}/data.keyhole.dev~1{'x' * 64}")],
            id="a name that is too long",
        ),
        pytest.param(FILLED + "immutable: true\n", [("KH208", 8, "/immutable")], id="immutable"),
        pytest.param(FILLED.replace("#a", "#a#3") + "immutable: true\n", [], id="immutable and pinned"),
        pytest.param(
            FILLED.replace("name: app", "generateName: app-"),
            [("KH208", 4, "/metadata/generateName")],
            id="another name",
        ),
        pytest.param(SECRET + "data:\n  a: '%'\n", [("KH004", 7, "/data/a"), ("KH301", 7, "/data/a")], id="no base64"),
        pytest.param(SECRET + "data: [x]\n", [("KH004", 6, "/data")], id="no map"),
        pytest.param(
            SECRET + "  annotations:\n    data.keyhole.dev/a: 1\n",
            [("KH004", 7, f"{NOTES}/data.keyhole.dev~1a")],
            id="an annotation that is no text",
        ),
        pytest.param(SECRET + "kind: Secret\n", [("KH003", 6, "/kind")], id="a key twice"),
        pytest.param(
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: x ((vault:secret/a#b))\n",
            [("KH203", 4, "/data/a")],
            id="in place in a ConfigMap",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Service\nmetadata:\n  annotations:\n    data.keyhole.dev/a: vault:secret/a#b\n",
            [("KH203", 5, f"{NOTES}/data.keyhole.dev~1a")],
            id="an annotation of ours on a Service",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: vault:1.21\n    args: ['vault:secret/a#b']\n",
            [("KH203", 6, "/spec/containers/0/args/0")],
            id="an argument, and an image that is none",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - env:\n    - {name: A, value: vault:secret/a#b}\n",
            [],
            id="a variable, which is filled",
        ),
        pytest.param("a: vault:secret/a#b\n", [], id="values of a chart"),
        pytest.param(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {values: {a: vault:secret/a#b}}\n",
            [],
            id="values that are passed on",
        ),
    ],
)
def test_each_rule_says_where(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert found(text) == expected


def test_no_rule_quotes_a_text_that_stands_in_the_wrong_place() -> None:
    notes = "".join(
        f"    {name}: {text}\n"
        for name, text in {
            "data.keyhole.dev/a": f"vault:{CANARY}",
            "data.keyhole.dev/b": CANARY,
            "data.keyhole.dev/c": f"vault:secret/a#b | default:{CANARY} | {CANARY}",
            "keyhole.dev/fields": f'"{CANARY}"',
            "keyhole.dev/typo": CANARY,
        }.items()
    )
    text = SECRET + f"  annotations:\n{notes}stringData:\n  x: 'vault:{CANARY}'\n  y: ((vault:{CANARY}\n"
    report = looked_at(text)
    assert len(report.findings) == 7
    assert CANARY not in repr(report)


def test_a_key_that_is_a_token_is_told_and_not_shown() -> None:
    token = "ghp_" + "a1B2c3D4e5F6" * 3
    report = looked_at(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {token}}}\ndata: {{{token}: x}}\n")
    assert {(each.rule.id, each.pointer) for each in report.findings} == {
        ("KH303", "/data/(hidden)"),
        ("KH303", "/metadata/name"),
    }
    assert token not in repr(report)


class TestTree:
    NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
    LABEL = '  labels: {keyhole.dev/enabled: "true"}\n'
    VALUE = SECRET + f"stringData: {{x: {CANARY}}}\n"

    @pytest.mark.parametrize(
        ("others", "severity"),
        [
            ((), Severity.WARNING),
            ((NAMESPACE,), Severity.WARNING),
            ((NAMESPACE + LABEL,), Severity.ERROR),
            ((FILLED,), Severity.ERROR),
        ],
    )
    def test_plaintext_is_an_error_where_keyhole_is_used(self, others: tuple[str, ...], severity: Severity) -> None:
        """In whatever order the files come."""
        for texts in ((self.VALUE, *others), (*others, self.VALUE)):
            (finding,) = [each for each in looked_at(*texts).findings if each.rule.id == "KH301"]
            assert finding.severity is severity

    def test_a_namespace_that_has_not_opted_in(self) -> None:
        assert [each[0] for each in found(FILLED, self.NAMESPACE)] == ["KH204"]
        assert found(FILLED, self.NAMESPACE + self.LABEL) == []
        assert found(FILLED) == [], "nobody knows what the cluster has"

    def test_in_place_where_argo_cd_applies(self) -> None:
        application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n"
        in_place = SECRET + "stringData:\n  x: vault:secret/a#b\n"
        assert [each[:2] for each in found(in_place, application)] == [("KH201", 7)]
        assert found(in_place) == found(FILLED, application) == []

    def test_a_path_that_namespaces_share(self) -> None:
        other = FILLED.replace("namespace: shop", "namespace: pay")
        assert [each[0] for each in found(FILLED, other)] == ["KH109"]
        assert found(FILLED, FILLED.replace("name: app", "name: b")) == []


class TestKustomizations:
    def test_files_count_if_they_are_in_the_tree(self, tmp_path: Path) -> None:
        (tmp_path / "kustomization.yaml").write_text(
            "generatorOptions: {disableNameSuffixHash: true}\n"
            "secretGenerator:\n- files: [a.txt, b=b.txt, gone.txt]\n- envs: [c.env]\n- env: d.env\n- envs: [sops.env]\n"
        )
        (tmp_path / "a.txt").write_text(CANARY)
        (tmp_path / "b.txt").write_text("vault:secret/a#b")
        (tmp_path / "c.env").write_text(f"# a comment\nA=vault:secret/a#b\nB={CANARY}\n")
        (tmp_path / "d.env").write_text("A=${A}\n")
        (tmp_path / "sops.env").write_text(
            "A=ENC[AES256_GCM,data:x]\nsops_version=3\nsops_mac=ENC[AES256_GCM,data:x]\n"
        )
        run = Lint(TODAY)
        for source in sources(files.find([tmp_path])):
            run.look(source)
        report = run.report()
        assert [(each.rule.id, each.pointer) for each in report.findings] == [
            ("KH302", "/secretGenerator/0/files/0"),
            ("KH302", "/secretGenerator/1/envs/0"),
        ]
        assert [each.reason for each in report.unchecked] == [
            "what is taken from gone.txt: it cannot be read: No such file or directory"
        ]
        assert CANARY not in repr(report)


class TestExcuses:
    VALUE = SECRET + f"stringData:\n  x: {CANARY}"

    def test_a_comment_covers_its_line_until_its_day(self) -> None:
        report = looked_at(f"{self.VALUE} # keyhole: ignore KH301 until 2026-06-01 a sample\n")
        assert (report.findings, report.excused) == ([], 1)
        assert [each[0] for each in found(f"{self.VALUE} # keyhole: ignore KH301 until 2026-05-31 a sample\n")] == [
            "KH301",
            "KH001",
        ]

    def test_a_comment_covers_no_other_rule_and_one_without_an_end_nothing(self) -> None:
        assert [each[0] for each in found(f"{self.VALUE} # keyhole: ignore KH303 until 2026-12-31 x\n")] == ["KH301"]
        assert {each[0] for each in found(f"{self.VALUE} # keyhole: ignore KH301\n")} == {"KH301", "KH002"}

    def test_a_baseline_covers_what_was_there(self) -> None:
        known = baseline.parse(baseline.dump(looked_at(f"{self.VALUE}\n").findings))
        later = looked_at(f"# moved\n{self.VALUE}\n  z: {CANARY}\n", run=Lint(TODAY, known))
        assert [each.pointer for each in later.findings] == ["/stringData/z"]
        assert later.excused == 1


def test_what_cannot_be_read_is_not_counted_as_sound_and_the_run_goes_on() -> None:
    report = looked_at("a: [\n", "a: {{ x }}\n---\nb: {{ y }}\n", "\0", FILLED)
    assert [(each.place.file, each.reason.partition(":")[0]) for each in report.unchecked] == [
        ("f.yaml", "not YAML"),
        ("1-f.yaml", "a template has to be rendered first"),
        ("2-f.yaml", "it holds NUL characters"),
    ]
    assert len(report.checked) == 1


def test_the_document_has_the_rules_of_the_catalogue() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "lint.md").read_text()
    assert document.render(text) == text, "python -m review.lint.document docs/lint.md"
    assert all(f"| {rule.id} | `{rule.name}` |" in text for rule in RULES)


def test_every_rule_has_its_number_once_and_says_what_to_do() -> None:
    assert len(BY_ID) == len(RULES)
    assert [rule.id for rule in RULES] == sorted(BY_ID)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(text.endswith(".") for rule in RULES for text in (rule.summary, rule.why, rule.remedy))


@pytest.mark.parametrize("kind", ["!!binary U2VjcmV0", "!<tag:yaml.org,2002:binary> U2VjcmV0", '"\\x53ecret"'])
def test_a_kind_that_is_spelt_otherwise_is_the_same_kind(kind: str) -> None:
    text = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\ndata: {{x: {b64encode(CANARY.encode()).decode()}}}\n"
    assert found(text) == [("KH301", 4, "/data/x")]
