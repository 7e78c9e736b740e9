"""`keyhole tenant`: what it prints, and with which code it ends."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cli.tenant_cases import CASES, CONNECTIONS, GOLDEN, KINDS, MANIFESTS, ROOT, run

FINDINGS, NOT_DONE = 1, 2
VAULT = ["shop", "--vault-only", "--kv", "secret=2"]


@pytest.mark.parametrize("name", CASES)
def test_the_output_is_the_golden_file(name: str) -> None:
    result = run(*CASES[name])
    assert result.exit_code == 0
    assert result.stdout == (GOLDEN / name).read_text(encoding="utf-8"), (
        "python -m tests.cli.tenant_cases writes it anew"
    )


def test_every_golden_file_has_its_case() -> None:
    assert {file.name for file in GOLDEN.iterdir() if file.is_file()} == set(CASES)


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith(".sh")])
def test_every_script_is_one_for_the_shell(name: str) -> None:
    subprocess.run(["sh", "-n", str(GOLDEN / name)], check=True, timeout=60)


def test_the_script_holds_the_very_bundle() -> None:
    assert (GOLDEN / "bundle.yaml").read_text() in (GOLDEN / "everything.sh").read_text()
    assert "kind: " not in (GOLDEN / "manifests.sh").read_text()


def test_the_file_of_a_policy_is_the_policy_of_the_script_and_comments() -> None:
    text = (GOLDEN / "manifests.hcl").read_text()
    policy, role = text.split("\n# To write this policy: ")
    assert f"<<'EOF'\n{policy}EOF\n" in (GOLDEN / "manifests.sh").read_text()
    assert all(line.startswith("# ") for line in role.splitlines()[1:])


# One argument of a block: a name, and a string, a number, a boolean, a list, a map, an attribute or a heredoc.
_STRING = r'"(?:[^"\\$%]|\\.)*"'
_VALUE = rf"(?:{_STRING}|\d+|true|\[(?:{_STRING}|[\w.-]+)\]|\{{ {_STRING} = {_STRING}(?:, {_STRING} = {_STRING})* \}})"
_HEREDOC = r"<<-EOT\n(?:(?:    .*)?\n)*  EOT"
_BLOCK = rf'(?:data|resource) "[a-z_]+" "[a-z][\w-]*" \{{\n(?:  [a-z_]+ += (?:{_VALUE}|{_HEREDOC})\n)+\}}\n'


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith(".tf")])
def test_every_terraform_file_is_blocks_of_arguments(name: str) -> None:
    # Comments may stand before the first block.
    text = re.sub(r"\A(?:# .*\n)+\n", "", (GOLDEN / name).read_text())
    assert re.fullmatch(rf"{_BLOCK}(?:\n{_BLOCK})*", text)
    known = {"vault_policy", "vault_jwt_auth_backend_role", "vault_kubernetes_auth_backend_role", "vault_auth_backend"}
    assert set(re.findall(r'^(?:data|resource) "(\w+)"', text, re.MULTILINE)) <= known
    # The only expressions are those that put in the accessor.
    assert set(re.findall(r"[$%]\{[^}]*\}", text)) <= {"${data.vault_auth_backend.keyhole.accessor}"}


def test_manifests_may_come_from_standard_input_and_from_several_places(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text((ROOT / MANIFESTS).read_text())
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"x": "vault:secret/from/stdin#x"}}
    arguments: list[str | Path] = [
        *VAULT,
        "-f",
        "-",
        "-f",
        tmp_path,
        "--connections",
        CONNECTIONS,
        "--path",
        "secret/given",
        "-o",
        "hcl",
    ]
    result = run(*arguments, standard_input=yaml.safe_dump(secret))
    assert result.exit_code == 0
    for path in ("from/stdin", "shop/database", "shop/variable", "given"):
        assert f'"secret/data/{path}"' in result.stdout
    assert result.stderr.count("note: ") == 2


def test_a_finding_ends_with_exit_code_1_and_nothing_is_printed_that_could_be_applied() -> None:
    result = run(*VAULT, "-f", "examples/base", "-f", "examples/bad/malformed.yaml")
    assert (result.exit_code, result.stdout) == (FINDINGS, "")
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line.startswith(
            "finding: examples/bad/malformed.yaml, document 1, Secret shop/malformed, annotation data."
        )


@pytest.mark.parametrize("namespace", ["kube-prometheus", "kube-systems", "kube-flannel"])
def test_other_namespaces_that_begin_like_those_of_kubernetes_can_be_tenants(namespace: str) -> None:
    result = run(namespace)
    assert result.exit_code == 0
    assert f"namespace: {namespace}\n" in result.stdout


def test_what_was_passed_over_is_a_note_and_with_strict_a_finding(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [plain.yaml]\nsecretGenerator:\n- name: gen\n  literals: [p=vault:secret/shop/generated#p]\n"
        "- {name: other, files: [a.txt]}\n"
    )
    plain = {"name": "plain", "annotations": {"data.keyhole.dev/p": "vault:secret/shop/plain#p"}}
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": plain}))
    told = (
        f"{tmp_path}/kustomization.yaml, document 1, /secretGenerator/1/files/0, a.txt: passed over, "
        "cannot be read: No such file or directory"
    )
    result = run(*VAULT, "-f", tmp_path, "-o", "hcl")
    assert result.exit_code == 0
    assert result.stderr == f"note: {told}\n"
    for path in ("generated", "plain"):
        assert f'"secret/data/shop/{path}"' in result.stdout
    result = run(*VAULT, "-f", tmp_path, "-o", "hcl", "--strict")
    assert (result.exit_code, result.stdout) == (FINDINGS, "")
    assert result.stderr == f"finding: {told}\n"
    result = run(*VAULT, "-f", tmp_path / "plain.yaml", "-o", "hcl", "--strict")
    assert (result.exit_code, result.stderr) == (0, "")


def test_manifests_without_a_reference_are_a_finding() -> None:
    result = run(*VAULT, "-f", "-", standard_input="apiVersion: v1\nkind: Secret\nstringData: {a: b}\n")
    assert (result.exit_code, result.stdout) == (FINDINGS, "")
    assert "hold no reference" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "Missing argument", id="no namespace"),
        pytest.param(["Shop"], "not a name for a namespace", id="no name of a namespace"),
        pytest.param(["kube-system"], "belongs to Kubernetes", id="a namespace of Kubernetes"),
        pytest.param(["kube-public"], "belongs to Kubernetes", id="another one"),
        pytest.param(["kube-node-lease"], "belongs to Kubernetes", id="the third one"),
        pytest.param(["keyhole"], "holds Keyhole's own account", id="Keyhole's own namespace"),
        pytest.param(["shop", "--webhook-service-account", "x"], "NAMESPACE/NAME", id="no account"),
        pytest.param(["shop", "--path", "secret/x", "-o", "hcl"], "-o, --path", id="Vault's options without --vault"),
        pytest.param(["shop", "--vault"], "give what may be read", id="nothing to be read"),
        pytest.param(["shop", "--vault", "--path", "secret/x"], "--kv secret=2", id="an unknown mount"),
        pytest.param([*VAULT, "--path", "secret/*"], "wildcard", id="a wildcard"),
        pytest.param([*VAULT, "--kv", "legacy"], "MOUNT=1", id="no version"),
        pytest.param([*VAULT, "--kv", "legacy=3"], "MOUNT=1", id="a version that there is not"),
        pytest.param([*VAULT, "--kv", "sys=1"], "own mounts", id="a mount of Vault's own"),
        pytest.param([*VAULT, "--path", "secret/x", "--connection", "eu"], "--connections", id="a connection, no file"),
        pytest.param([*VAULT, "-f", "nowhere.yaml"], "does not exist", id="no such file"),
        pytest.param(
            ["shop", "--vault-only", "-f", "examples/base"], "document 1, Secret shop/", id="manifests, no mounts"
        ),
        pytest.param([*VAULT, "-f", "charts/no.yaml", "--templated"], "does not exist", id="no such file, templated"),
        pytest.param([*VAULT, "-f", "examples/base", "--templated"], "no manifests", id="templated, with manifests"),
        pytest.param(
            [*VAULT, "--path", "secret/x", "--accessor", "a"], "only with --templated", id="an accessor for nothing"
        ),
        pytest.param(
            [*VAULT, "--program", "bao", "--path", "secret/x", "-o", "terraform"], "--program", id="bao, no command"
        ),
        pytest.param([*VAULT, "--path", "secret/x", "--strict"], "only with -f", id="strict about nothing"),
        pytest.param([*VAULT, "--templated", "--accessor", "a}}"], "is not an accessor", id="an accessor that is none"),
        pytest.param(["shop", "--vault-only", "--templated"], "--kv", id="templated, no mounts"),
        pytest.param([*VAULT, "--templated", "--path", "secret/x"], "every namespace", id="a path for every namespace"),
        pytest.param(
            [*VAULT, "--templated", "--connections", CONNECTIONS], "one for each namespace", id="templated, own roles"
        ),
        pytest.param(
            [*VAULT, "--path", "secret/x", "--connections", CONNECTIONS, "--connection", "shared"],
            "use --templated",
            id="a shared role for one namespace",
        ),
        pytest.param(
            [*VAULT, "--path", "secret/x", "--connections", CONNECTIONS, "--connection", "us"],
            "no connection 'us'; known: default, eu, shared",
            id="no such connection",
        ),
        pytest.param(
            [*VAULT, "--path", "secret/x", "--connections", MANIFESTS], f"{MANIFESTS}: ", id="no connections file"
        ),
    ],
)
def test_what_is_wrong_with_the_call_ends_with_exit_code_2_and_prints_nothing(arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (NOT_DONE, "")
    assert told in result.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("connections: [", "not YAML", id="not YAML"),
        pytest.param("connections: {}", "connections: Dictionary should have at least 1", id="no connections"),
        pytest.param("connections: []", "connections: must be a map", id="a list"),
        pytest.param("connections: {default: {}}", "connections.default.address: is missing", id="no address"),
        pytest.param("connections: {default: canary}", "connections.default", id="a text"),
        pytest.param(
            "connections: {default: {address: 'https://v', auth: {method: canary, role: r}}}",
            "connections.default.auth.method",
            id="an unknown method",
        ),
    ],
)
def test_a_connections_file_that_cannot_be_used_is_told_by_file_field_and_cause(
    tmp_path: Path, content: str, told: str
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(content)
    result = run(*VAULT, "--path", "secret/x", "--connections", file)
    assert (result.exit_code, result.stdout) == (NOT_DONE, "")
    assert f"{file}: " in result.stderr
    assert told in result.stderr
    assert "canary" not in result.stderr


@pytest.fixture
def narrow(tmp_path: Path) -> Path:
    """Return a connections file that keeps each namespace below its own name on one mount."""
    connection = {"address": "https://vault.example:8200", "mounts": {"secret": 2, "legacy": 1}}
    allow = ["secret/{namespace}/*", "legacy/shared"]
    own = {**connection, "auth": {"method": "jwt", "role": "keyhole-{namespace}"}, "allow": allow}
    shared = {**connection, "auth": {"method": "jwt", "role": "keyhole"}, "allow": allow}
    file = tmp_path / "narrow.yaml"
    file.write_text(yaml.safe_dump({"connections": {"default": own, "shared": shared}}))
    return file


_REACH = "the connection 'default' allows secret/{namespace}/*, legacy/shared"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--path", "secret/shop/app", "--path", "legacy/shared"], None, id="paths that are allowed"),
        pytest.param(
            ["--path", "secret/shop/app", "--path", "secret/bank/app"], f"secret/bank/app: {_REACH}", id="one"
        ),
        pytest.param(["--path", "secret/data/bank/app"], f"secret/bank/app: {_REACH}", id="one, as the API names it"),
        pytest.param(["--path", "legacy/shop/app"], f"legacy/shop/app: {_REACH}", id="one on another mount"),
        pytest.param(
            ["--connection", "shared", "--templated", "--path", "secret/{namespace}/*"], None, id="one for all, allowed"
        ),
        pytest.param(
            ["--connection", "shared", "--templated", "--path", "secret/teams/{namespace}/*"],
            "secret/teams/{namespace}/*: the connection 'shared' allows",
            id="one for all, elsewhere",
        ),
        pytest.param(
            ["--connection", "shared", "--templated"],
            "legacy/{namespace}/*: the connection 'shared' allows",
            id="every known mount, of which one is kept back",
        ),
    ],
)
def test_no_policy_is_wider_than_what_the_connection_allows(
    narrow: Path, arguments: list[str], told: str | None
) -> None:
    result = run("shop", "--vault-only", "--connections", narrow, *arguments)
    if told is None:
        assert result.exit_code == 0
    else:
        assert (result.exit_code, result.stdout) == (NOT_DONE, "")
        assert told in result.stderr


def test_a_reference_that_the_connection_keeps_back_is_a_finding_with_its_place(narrow: Path) -> None:
    references = {"a": "vault:secret/shop/app#x", "b": "vault:secret/bank/app#x"}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": references}
    arguments = ["shop", "--vault-only", "--connections", str(narrow), "-f", "-"]
    result = run(*arguments, standard_input=yaml.safe_dump(manifest))
    assert (result.exit_code, result.stdout) == (FINDINGS, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("finding: standard input, document 1, Secret shop/app, ")
    assert line.endswith(f"secret/bank/app: {_REACH}")


def test_the_help_has_examples_on_lines_of_their_own() -> None:
    lines = [line.strip() for line in run("--help").stdout.splitlines()]
    assert "Examples:" in lines
    assert any(line.startswith("keyhole tenant shop | kubectl apply") for line in lines)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--vault"], "--vault"),
        (["--kinds", KINDS], "--kinds"),
        (["--path", "secret/a", "--kv", "secret=2"], "--kv, --path"),
        (["--restarts", "--templated"], "--restarts, --templated"),
    ],
)
def test_what_is_about_a_namespace_does_not_go_with_the_enforcers_own_setup(more: list[str], named: str) -> None:
    result = run("--enforcer", *more)
    assert result.exit_code == NOT_DONE
    assert f"not with --enforcer and no NAMESPACE: {named}" in result.stderr
    review = run("--review", "--repository", "acme/deploy", "--enforcer", "shop", "--kv", "secret=2")
    assert "not with --review: NAMESPACE, --enforcer" in review.stderr
