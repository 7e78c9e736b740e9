"""Every form beside a Secret's own: variables of workloads, whole secrets, files, ConfigMaps, custom resources."""

from datetime import date

import pytest

from manifests.kinds import listed
from review.findings.report import Report
from review.lint.judging import Judge
from review.lint.lint import Lint, Source
from review.lint.tree import Tree
from review.lint.uses import Use

CANARY = "canary-8d2f"
NOTES = "/metadata/annotations"
KINDS = listed.read(
    "kinds:\n- kind: ConfigMap\n- {group: example.org, kind: Db, resource: dbs, version: v1, fields: [/spec/**]}\n"
    "- {group: argoproj.io, kind: Application, resource: applications, version: v1alpha1, fields: [/spec/**]}\n"
)
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  namespace: shop\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\n  namespace: shop\n"
DB = "apiVersion: example.org/v1\nkind: Db\nmetadata:\n  name: app\n  namespace: shop\n"
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: app\n"


def run(text: str, *, kinds: object = None, judges: tuple[Judge, ...] = ()) -> Report:
    lint = Lint(date(2026, 6, 1), judges=judges, kinds=kinds)  # type: ignore[arg-type]
    lint.look(Source("f.yaml", text.encode))
    return lint.report()


def found(text: str, *, kinds: object = None) -> list[tuple[str, int, str]]:
    return [(each.rule.id, each.place.line, each.pointer) for each in run(text, kinds=kinds).findings]


def uses(text: str, *, kinds: object = None) -> list[Use]:
    seen: list[Use] = []

    def judge(tree: Tree) -> list[object]:
        seen.extend(tree.uses)
        return []

    run(text, kinds=kinds, judges=(judge,))  # type: ignore[arg-type]
    return seen


def notes(*lines: str) -> str:
    return "  annotations:\n" + "".join(f"    {line}\n" for line in lines)


class TestWholeSecretsAndFiles:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (SECRET + notes("keyhole.dev/from: secret/a, vault+eu:secret/b"), []),
            (SECRET + notes("keyhole.dev/from: secret/a#x"), [("KH101", 7, f"{NOTES}/keyhole.dev~1from")]),
            (SECRET + notes("keyhole.dev/from: secret/a, secret/a"), [("KH101", 7, f"{NOTES}/keyhole.dev~1from")]),
            (SECRET + notes("keyhole.dev/from: secret/a") + "immutable: true\n", [("KH208", 8, "/immutable")]),
            (
                SECRET
                + notes("data.keyhole.dev/a.yaml: key:a.tmpl")
                + "stringData:\n  a.tmpl: x ((vault:secret/a#b))\n",
                [],
            ),
            (
                SECRET + notes("data.keyhole.dev/a.yaml: key:a.tmpl"),
                [("KH101", 7, f"{NOTES}/data.keyhole.dev~1a.yaml")],
            ),
            (SECRET + notes("env.keyhole.dev/A: vault:secret/a#b"), [("KH203", 7, f"{NOTES}/env.keyhole.dev~1A")]),
            (
                SECRET.replace("name: app", "generateName: app-") + "stringData:\n  a: vault:a/b#c\n",
                [("KH208", 4, "/metadata/generateName"), ("KH203", 7, "/stringData/a")],
            ),
            (SECRET + notes("keyhole.dev/record: x"), [("KH210", 7, f"{NOTES}/keyhole.dev~1record")]),
            (
                SECRET + "  labels:\n    keyhole.dev/managed: 'true'\n" + notes("data.keyhole.dev/a: vault:secret/a#b"),
                [("KH210", 7, "/metadata/labels/keyhole.dev~1managed")],
            ),
        ],
    )
    def test_in_a_secret(self, text: str, expected: list[tuple[str, int, str]]) -> None:
        assert found(text) == expected

    def test_of_a_map_each_field_is_told_at_its_line(self) -> None:
        text = SECRET + notes(
            "keyhole.dev/fields: |", "  /data/a: vault:secret/a#b", '  "/data/b": vault:secret/a', "  /spec/c: x"
        )
        assert [(each[0], each[1]) for each in found(text)] == [("KH101", 9), ("KH101", 10)]
        assert [use.spot.place.line for use in uses(text)] == [8]

    def test_a_thousand_and_one_references_are_too_many(self) -> None:
        values = "".join(f"  k{number}: vault:secret/a#b\n" for number in range(1001))
        assert [each[0] for each in found(f"{SECRET}stringData:\n{values}")] == ["KH110"]

    def test_values_of_more_than_a_mebibyte(self) -> None:
        text = SECRET + notes("data.keyhole.dev/a: vault:secret/a#b") + f"stringData:\n  x: '${{{'A' * 2**20}}}'\n"
        assert [each[0] for each in found(text)] == ["KH110"]


class TestKinds:
    FILLED = MAP + notes("data.keyhole.dev/a: vault:secret/a#b")
    FIELDS = notes("keyhole.dev/fields: |", "  /spec/password: vault:secret/a#b")

    @pytest.mark.parametrize("text", [FILLED, DB + FIELDS, APPLICATION + FIELDS])
    def test_what_could_be_listed_is_not_checked_without_the_list(self, text: str) -> None:
        report = run(text)
        assert report.findings == []
        (place,) = report.unchecked
        assert place.reason.endswith("depends on the administrator's list; give it with --kinds")
        assert len(uses(text)) == 1
        with_list = run(text, kinds=KINDS)
        assert (with_list.findings, with_list.unchecked) == ([], [])

    @pytest.mark.parametrize("kinds", [None, KINDS])
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("apiVersion: v1\nkind: Service\nmetadata:\n", "only ConfigMap can be listed"),
            ("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n", "it decides who may do what"),
            ("apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata:\n", "it belongs to no namespace"),
        ],
    )
    def test_what_nobody_can_list_is_a_finding_in_any_case(self, text: str, words: str, kinds: object) -> None:
        (finding,) = run(text + notes("keyhole.dev/fields: '/spec/a: vault:secret/a#b'"), kinds=kinds).findings
        assert (finding.rule.id, finding.place.line) == ("KH203", 5)
        assert words in finding.message

    def test_what_the_list_does_not_name(self) -> None:
        other = DB.replace("example.org", "example.com") + self.FIELDS
        (finding,) = run(other, kinds=KINDS).findings
        assert (finding.rule.id, finding.pointer) == ("KH203", f"{NOTES}/keyhole.dev~1fields")

    @pytest.mark.parametrize("kinds", [None, KINDS])
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (MAP + notes("data.keyhole.dev/a: vault:secret/a"), [("KH101", 7, f"{NOTES}/data.keyhole.dev~1a")]),
            (FILLED + "data: {a: x}\n", [("KH206", 8, "/data/a")]),
            (FILLED + "data:\n  b: ((vault:secret/a#b))\n", [("KH203", 9, "/data/b")]),
            (FILLED + "immutable: true\n", [("KH208", 8, "/immutable")]),
            (MAP + notes("dta.keyhole.dev/a: vault:a/b#c"), [("KH205", 7, f"{NOTES}/dta.keyhole.dev~1a")]),
            (
                "apiVersion: v1\nkind: Service\nmetadata:\n" + notes("keyhole.dev/restrat: 'true'"),
                [("KH205", 5, f"{NOTES}/keyhole.dev~1restrat")],
            ),
            (MAP + notes("keyhole.dev/from: secret/a"), [("KH203", 7, f"{NOTES}/keyhole.dev~1from")]),
            (MAP + notes("data.keyhole.dev/a: key:t") + "data: {t: x ((vault:secret/a#b))}\n", []),
            (DB + notes("data.keyhole.dev/a: vault:secret/a#b"), [("KH203", 7, f"{NOTES}/data.keyhole.dev~1a")]),
            (DB + FIELDS + "spec: {password: x}\n", [("KH206", 9, "/spec/password")]),
            (DB + FIELDS + "spec: {other: vault:secret/a#b}\n", [("KH203", 9, "/spec/other")]),
            (
                DB + notes("keyhole.dev/fields: |", "  /spec/users/0/password: vault:secret/a#b"),
                [("KH203", 8, f"{NOTES}/keyhole.dev~1fields")],
            ),
        ],
    )
    def test_what_is_wrong_whether_the_kind_is_listed_or_not(
        self, text: str, expected: list[tuple[str, int, str]], kinds: object
    ) -> None:
        assert found(text, kinds=kinds) == expected


WORKLOAD = """apiVersion: {version}
kind: {kind}
metadata: {{name: web, namespace: shop}}
spec:
  template:
    metadata:
      annotations:
{notes}
    spec:
      containers:
      - name: web
        image: nginx
{more}"""
TEMPLATE = "/spec/template/metadata/annotations"


def workload(*lines: str, env: tuple[str, ...] = (), kind: str = "apps/v1/Deployment") -> str:
    version, _, kind = kind.rpartition("/")
    entries = "".join(f"        - {entry}\n" for entry in env)
    more = f"        env:\n{entries}" if env else ""
    written = "\n".join(f"        {line}" for line in lines or ("other: x",))
    return WORKLOAD.format(version=version, kind=kind, notes=written, more=more)


ROLLOUT = "argoproj.io/v1alpha1/Rollout"


class TestVariables:
    @pytest.mark.parametrize("kind", ["apps/v1/Deployment", "apps/v1/StatefulSet", "batch/v1/Job", ROLLOUT])
    @pytest.mark.parametrize(
        ("lines", "env", "expected"),
        [
            (("env.keyhole.dev/A: vault:secret/a#b", "web.env.keyhole.dev/B: vault:secret/a#b"), (), []),
            (("env.keyhole.dev/A: vault:secret/a",), (), [("KH101", 8, f"{TEMPLATE}/env.keyhole.dev~1A")]),
            (("wob.env.keyhole.dev/A: vault:a/b#c",), (), [("KH101", 8, f"{TEMPLATE}/wob.env.keyhole.dev~1A")]),
            (("keyhole.dev/env-from: secret/a#b",), (), [("KH101", 8, f"{TEMPLATE}/keyhole.dev~1env-from")]),
            (
                ("keyhole.dev/env: |", "  A: vault:secret/a#b", "  web/B: vault:secret/a"),
                (),
                [("KH101", 10, f"{TEMPLATE}/keyhole.dev~1env")],
            ),
            (("evn.keyhole.dev/A: vault:secret/a#b",), (), [("KH205", 8, f"{TEMPLATE}/evn.keyhole.dev~1A")]),
            (("data.keyhole.dev/A: vault:secret/a#b",), (), [("KH203", 8, f"{TEMPLATE}/data.keyhole.dev~1A")]),
            (
                (f"env.keyhole.dev/{'A' * 64}: vault:secret/a#b",),
                (),
                [("KH207", 8, f"{TEMPLATE}/env.keyhole.dev~1{'A' * 64}")],
            ),
            (
                ("Web.env.keyhole.dev/A: vault:secret/a#b",),
                (),
                [
                    ("KH101", 8, f"{TEMPLATE}/Web.env.keyhole.dev~1A"),
                    ("KH207", 8, f"{TEMPLATE}/Web.env.keyhole.dev~1A"),
                ],
            ),
            (
                ("env.keyhole.dev/A: vault:secret/a#b",),
                ("{name: A, value: x}",),
                [("KH206", 14, "/spec/template/spec/containers/0/env/0/value")],
            ),
            (
                ("env.keyhole.dev/A: $(B) ((vault:secret/a#b))",),
                (),
                [("KH209", 8, f"{TEMPLATE}/env.keyhole.dev~1A")],
            ),
            ((), ("{name: A, value: vault:secret/a#b}",), []),
            (
                (),
                ("{name: A, value: vault:secret/a}",),
                [("KH101", 14, "/spec/template/spec/containers/0/env/0/value")],
            ),
            (
                (),
                ("{name: A, value: '$(B)((vault:secret/a#b))'}",),
                [("KH101", 14, "/spec/template/spec/containers/0/env/0/value")],
            ),
            (
                ('keyhole.dev/env-secret: \'{"for":"apps/Deployment/web","secret":"web-keyhole-7c1d09a2b3f4"}\'',),
                ("{name: A, valueFrom: {secretKeyRef: {name: web-keyhole-7c1d09a2b3f4, key: A}}}",),
                [
                    ("KH210", 8, f"{TEMPLATE}/keyhole.dev~1env-secret"),
                    ("KH210", 14, "/spec/template/spec/containers/0/env/0"),
                ],
            ),
        ],
    )
    def test_what_admission_would_say(
        self, lines: tuple[str, ...], env: tuple[str, ...], expected: list[tuple[str, int, str]], kind: str
    ) -> None:
        assert found(workload(*lines, env=env, kind=kind)) == expected

    def test_each_is_a_use_where_it_is_written(self) -> None:
        text = workload(
            "env.keyhole.dev/A: vault:secret/a#a",
            "keyhole.dev/env: '{web/B: vault:secret/a#b}'",
            "keyhole.dev/env-from: secret/c",
            env=("{name: D, value: x ((vault:secret/a#d#2))}",),
        )
        seen = [(each.spot.place.line, str(each.form), each.reference.field, each.is_variable) for each in uses(text)]
        assert sorted(seen) == [
            (8, "annotation", "a", True),
            (9, "annotation", "b", True),
            (10, "from", "", True),
            (16, "in place", "d", True),
        ]
        assert {str(each.wanted_by) for each in uses(text)} == {"Deployment shop/web"}

    def test_only_the_template_counts(self) -> None:
        text = workload().replace("{name: web, namespace: shop}", "{annotations: {env.keyhole.dev/A: 'vault:a/b#c'}}")
        (finding,) = run(text).findings
        assert (finding.rule.id, finding.pointer) == ("KH203", f"{NOTES}/env.keyhole.dev~1A")
        assert "spec.template.metadata.annotations" in finding.message
        assert uses(text) == []

    def test_a_cron_job_and_a_pod(self) -> None:
        pod = "apiVersion: v1\nkind: Pod\nmetadata:\n" + notes("env.keyhole.dev/A: vault:secret/a")
        assert found(pod) == [("KH101", 5, f"{NOTES}/env.keyhole.dev~1A")]
        cron = (
            "apiVersion: batch/v1\nkind: CronJob\nspec:\n jobTemplate:\n  spec:\n   template:\n    metadata:\n"
            "     annotations:\n      env.keyhole.dev/A: vault:secret/a\n"
        )
        assert [each[:2] for each in found(cron)] == [("KH101", 9)]

    def test_the_annotations_of_a_template_that_an_operator_makes(self) -> None:
        text = DB.replace("kind: Db", "kind: Prometheus") + (
            "spec:\n  podMetadata:\n    annotations:\n      env.keyhole.dev/A: vault:secret/a#b\n"
        )
        assert found(text) == []
        assert [use.is_variable for use in uses(text)] == [True]

    def test_a_plain_value_is_judged_by_its_form_alone(self) -> None:
        token = "ghp_" + "a1B2c3D4e5F6" * 3
        env = ("{name: PASSWORD, value: hunter2}", f"{{name: T, value: {token}}}")
        assert [each[0] for each in found(workload(env=env))] == ["KH303"]

    def test_a_namespace_has_to_allow_variables(self) -> None:
        namespace = (
            'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    keyhole.dev/enabled: "true"\n'
        )
        for form in (
            workload("env.keyhole.dev/A: vault:a/b#c"),
            workload(env=("{name: A, value: vault:a/b#c}",)),
            workload("keyhole.dev/env-from: a/b"),
        ):
            (finding,) = run(f"{form}\n---\n{namespace}").findings
            assert finding.rule.id == "KH204"
            assert "keyhole.dev/variables" in finding.message
            assert found(f'{form}\n---\n{namespace}    keyhole.dev/variables: "true"\n') == []
        secret = SECRET + notes("data.keyhole.dev/a: vault:a/b#c")
        assert found(f"{secret}---\n{namespace}") == []


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ('keyhole.dev/enabled: "true"', []),
        ("keyhole.dev/enabled: true", ["KH004"]),
        ('keyhole.dev/enabled: "false"', []),
        ('keyhole.dev/enabled: "yes"', ["KH205"]),
        ('keyhole.dev/enabld: "true"', ["KH205"]),
        ('keyhole.dev/variable: "true"', ["KH205"]),
        ("team: keyhole.dev/x", []),
    ],
)
def test_the_labels_of_a_namespace(label: str, expected: list[str]) -> None:
    text = f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    {label}\n"
    assert [each[0] for each in found(text)] == expected


def test_no_text_of_a_field_is_quoted() -> None:
    text = workload(
        f"env.keyhole.dev/A: vault:{CANARY}",
        f"env.keyhole.dev/B: $({CANARY})((vault:a/b#c))",
        f"env.keyhole.dev/C: {CANARY}",
        f"keyhole.dev/env: '[{CANARY}]'",
        f"keyhole.dev/env-from: secret/{CANARY}#x",
        env=(f"{{name: D, value: '$({CANARY})((vault:a/b#c))'}}", f"{{name: E, value: 'vault:{CANARY}'}}"),
    )
    other = MAP + notes(f"data.keyhole.dev/a: {CANARY}", f"keyhole.dev/fields: '{{/data/b: {CANARY}}}'")
    report = run(f"{text}\n---\n{other}")
    assert len(report.findings) >= 8
    assert CANARY not in repr(report)


def test_what_bank_vaults_fills_is_not_ours_to_judge() -> None:
    note = "vault.security.banzaicloud.io/vault-role: default"
    template = workload(note, env=("{name: A, value: 'vault:secret/a#${.b}'}",))
    config_map = MAP + notes(note) + "data: {a: 'vault:secret/a#b'}\n"
    for text in (template, config_map):
        assert found(text) == []
        assert uses(text) == []
        assert found(text.replace(note, "other: x")) != []
