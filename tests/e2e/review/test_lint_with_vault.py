"""`keyhole lint --vault` on a real Vault, with a token of the very policy that `keyhole tenant --review` prints."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hvac.exceptions
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from cli.vaults.inspectors import inspectors, keys_at
from cli.vaults.login import Login
from resolver.references.reference import Reference
from testbed.programs.reports import SilentReport
from testbed.programs.toolbox import Toolbox
from testbed.servers.go_environment import go_environment
from testbed.servers.ports import free_port
from testbed.servers.vault import Vault
from tests.cli.tenant_cases import run as tenant
from tests.e2e.canary import Canary
from tests.e2e.places import Places
from tests.e2e.review.cases import CASES, Case, Planting
from tests.e2e.review.conftest import SERVER
from tests.e2e.review.jobs import Jobs

REPOSITORY, AUDIENCE = "acme/deploy", "keyhole-review"
CLAIMS = {"aud": AUDIENCE, "repository": REPOSITORY, "event_name": "pull_request"}
RULES = ("KH104", "KH105", "KH106")
_VARIABLES = ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT", "VAULT_NAMESPACE", "CI_JWT", "HOME")
NOT_DONE = 2


@dataclass
class Lint:
    """Runs `keyhole lint`, and notes what must hold no value and no token."""

    places: Places
    environment: Mapping[str, str]

    def run(self, *arguments: str | Path, **environment: str) -> Result:
        """Run it with these arguments, and with variables beside the usual ones."""
        given = {**dict.fromkeys(_VARIABLES), **self.environment, **environment}
        done = CliRunner(env=given).invoke(main, ["lint", *map(str, arguments)])
        self.places.note("keyhole lint", done.output_bytes)
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done

    def report(self, *arguments: str | Path, **environment: str) -> dict[str, Any]:
        """Run it, and return its report."""
        report: dict[str, Any] = json.loads(self.run("-o", "json", *arguments, **environment).stdout)
        return report


@pytest.fixture(scope="module")
def jobs() -> Jobs:
    return Jobs("https://ci.example")


@pytest.fixture(scope="module")
def planted(vault: Vault, canary: Canary, jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Write what the cases need, and have the printed script write the policy and the role."""
    client = vault.client()
    Planting(client, canary.value).all()
    client.sys.enable_auth_method("jwt", path="github")
    # A key in place of an address of the CI, which Vault would have to reach.
    trusted = {"jwt_validation_pubkeys": [jobs.public_key], "bound_issuer": jobs.issuer}
    client.auth.jwt.configure(**trusted, path="github")
    script = tenant("--review", "--repository", REPOSITORY, *_mounts()).stdout
    where = {"VAULT_ADDR": vault.url, "VAULT_CACERT": str(vault.ca_file), "VAULT_TOKEN": vault.root_token}
    program = Toolbox(SilentReport()).path(SERVER).parent
    path = f"{program}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    home = str(tmp_path_factory.mktemp("administrator"))
    environment = {**where, "PATH": path, "HOME": home, **go_environment()}
    subprocess.run(["sh"], input=script, text=True, env=environment, capture_output=True, timeout=120, check=True)


def _mounts() -> list[str]:
    return ["--kv", "secret=2", "--kv", "nested/mount=2", "--kv", "legacy=1"]


@pytest.fixture(scope="module")
def lint(vault: Vault, places: Places, planted: None, tmp_path_factory: pytest.TempPathFactory) -> Lint:
    """Return the command, without any credentials."""
    home = str(tmp_path_factory.mktemp("home"))
    return Lint(places, {"VAULT_ADDR": vault.url, "VAULT_CACERT": str(vault.ca_file), "HOME": home})


@pytest.fixture(scope="module")
def login() -> Sequence[str]:
    """Return the options of a job's login."""
    return ("--vault", "--login", "jwt", "--role", "keyhole_review", "--jwt-env", "CI_JWT", "--auth-mount", "github")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file for each case."""
    folder = tmp_path_factory.mktemp("tree")
    for case in CASES.values():
        (folder / f"{case.name}.yaml").write_text(json.dumps(case.manifest))
    return folder


@pytest.fixture(scope="module")
def told(vault: Vault, lint: Lint, jobs: Jobs, login: Sequence[str], tree: Path) -> dict[str, list[str]]:
    """Return what one run says of each case."""
    before = len(vault.audit_requests())
    report = lint.report(*login, tree, CI_JWT=jobs.jwt(**CLAIMS))
    found: dict[str, list[str]] = {name: [] for name in CASES}
    for each in report["findings"]:
        if each["rule"] in RULES:
            found[Path(each["file"]).stem].append(f"{each['rule']} {each['severity']}: {each['message']}")
    for each in report["unchecked"]:
        found[Path(each["file"]).stem].append(f"?{each['reason']}")
    found["requests"] = [each["request"]["path"] for each in vault.audit_requests()[before:]]
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_judged_right(name: str, told: Mapping[str, Sequence[str]]) -> None:
    expected, found = CASES[name].expected, told[name]
    assert len(found) == len(expected), found
    for want in expected:
        rule, _, piece = want.partition(": ")
        assert any(each.startswith(rule) and piece in each for each in found), found


def test_there_are_sixty_cases_at_least() -> None:
    assert len(CASES) >= 60


def test_nothing_was_asked_for_but_names_versions_and_policies(told: Mapping[str, Sequence[str]]) -> None:
    allowed = ("subkeys/", "metadata/", "sys/policies/acl/keyhole-", "sys/internal/ui/mounts/", "auth/")
    asked = told["requests"]
    assert not [path for path in asked if "/data/" in path and "/subkeys/" not in path]
    assert not [path for path in asked if not any(part in path for part in allowed)]


def test_nothing_was_asked_twice_but_a_path_at_another_version(vault: Vault, told: Mapping[str, Sequence[str]]) -> None:
    asked = [path for path in told["requests"] if "/subkeys/" not in path]
    assert sorted(asked) == sorted(set(asked))
    # Written with `data/` or without.
    assert told["requests"].count("secret/subkeys/app") == 1
    versions = {(case.reference.path, case.reference.version) for case in CASES.values()}
    assert sum("/subkeys/" in path for path in told["requests"]) <= len(versions)


def test_a_job_s_token_is_given_back(told: Mapping[str, Sequence[str]]) -> None:
    assert told["requests"][0] == "auth/github/login"
    assert told["requests"][-1] == "auth/token/revoke-self"


def test_the_token_of_a_review_reads_no_value(vault: Vault, planted: None) -> None:
    made = vault.client().auth.token.create(policies=["keyhole_review"], ttl="10m", no_default_policy=True)
    client = vault.client(made["auth"]["client_token"])
    for path in ("secret/data/app", "nested/mount/data/app", "legacy/app", "auth/github/role/keyhole_review"):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.adapter.get(f"/v1/{path}")
    # Nor the policies of anything but namespaces, its own included; nor does it list anything.
    for path in ("sys/policies/acl/keyhole_review", "sys/policies/acl/default", "secret/metadata/?list=true"):
        with pytest.raises(hvac.exceptions.Forbidden):
            client.adapter.get(f"/v1/{path}")


def test_the_standards_say_how_old_a_pinned_version_may_be(
    lint: Lint, jobs: Jobs, login: Sequence[str], tree: Path, tmp_path: Path
) -> None:
    standards = tmp_path / "standards.yaml"
    standards.write_text(
        "version: keyhole.dev/standards/v1\nlint: {parameters: {behind: 0}, severities: {KH106: note}}\n"
    )
    jwt = jobs.jwt(**CLAIMS)
    report = lint.report(*login, "--standards", standards, tree / "one-behind.yaml", CI_JWT=jwt)
    assert [(each["rule"], each["severity"]) for each in report["findings"]] == [("KH106", "note")]


def test_no_form_of_a_report_holds_a_value(
    lint: Lint, jobs: Jobs, login: Sequence[str], tree: Path, tmp_path: Path
) -> None:
    forms = ("text", "json", "sarif", "junit", "github", "gitlab")
    outputs = [part for form in forms for part in ("-o", f"{form}={tmp_path / form}")]
    jwt = jobs.jwt(**CLAIMS)
    assert lint.run(*login, *outputs, tree, CI_JWT=jwt).exit_code == 1
    lint.run(*login, "--write-baseline", tmp_path / "baseline", tree, CI_JWT=jwt)
    for file in sorted(tmp_path.iterdir()):
        text = file.read_bytes()
        assert len(text) > 1000
        lint.places.note(f"keyhole lint -o {file.name}", text)
        assert jwt.encode() not in text


def test_references_of_workloads_are_judged_as_well(
    lint: Lint, jobs: Jobs, login: Sequence[str], tmp_path: Path
) -> None:
    notes = {
        "env.keyhole.dev/PASSWORD": "vault:secret/app#pasword",
        "keyhole.dev/env-from": "secret/empty, secret/app",
    }
    pod = {"metadata": {"annotations": notes}, "spec": {"containers": [{"name": "app", "image": "app"}]}}
    metadata = {"name": "app", "namespace": "shop"}
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": pod}}
    (tmp_path / "a.yaml").write_text(json.dumps(workload))
    report = lint.report(*login, tmp_path, CI_JWT=jobs.jwt(**CLAIMS))
    found = {
        each["pointer"].rpartition("/")[2]: each["message"] for each in report["findings"] if each["rule"] in RULES
    }
    assert sorted(found) == ["env.keyhole.dev~1PASSWORD", "keyhole.dev~1env-from"]
    assert found["env.keyhole.dev~1PASSWORD"].endswith("it has no field 'pasword'; did you mean 'password'?")
    assert found["keyhole.dev~1env-from"] == "vault:secret/empty: it has no field to give"
    assert report["unchecked"] == []


class TestIdentity:
    @pytest.fixture
    def one(self, tmp_path: Path) -> Path:
        file = tmp_path / "a.yaml"
        file.write_text(json.dumps(CASES["no-field"].manifest))
        return file

    def unchecked(self, report: Mapping[str, Any]) -> str:
        assert not [each for each in report["findings"] if each["rule"] in RULES]
        (only,) = report["unchecked"]
        return str(only["reason"])

    def test_a_token_of_one_s_own(self, vault: Vault, lint: Lint, one: Path) -> None:
        made = vault.client().auth.token.create(policies=["keyhole_review"], ttl="10m", no_default_policy=True)
        token = made["auth"]["client_token"]
        report = lint.report("--vault", one, VAULT_TOKEN=token)
        assert [each["rule"] for each in report["findings"]] == ["KH105"]
        assert report["unchecked"] == []
        # It is not given back.
        assert vault.client(token).adapter.get("/v1/sys/policies/acl/keyhole-shop")["data"]

    def test_from_a_file_in_the_home_folder(self, vault: Vault, lint: Lint, one: Path, tmp_path: Path) -> None:
        made = vault.client().auth.token.create(policies=["keyhole_review"], ttl="10m")
        (tmp_path / ".vault-token").write_text(made["auth"]["client_token"] + "\n")
        report = lint.report("--vault", one, HOME=str(tmp_path))
        assert [each["rule"] for each in report["findings"]] == ["KH105"]

    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            pytest.param({"repository": "acme/other"}, "not bound", id="another repository"),
            pytest.param({"aud": "vault"}, "audience", id="another audience"),
            pytest.param({"repository": ""}, "Vault refuses this job's identity the role", id="no repository"),
            pytest.param({"event_name": "pull_request_target"}, "not bound", id="for a stranger's pull request"),
        ],
    )
    def test_a_job_that_may_not_log_in(  # noqa: PLR0917 - pytest passes one for each fixture
        self, lint: Lint, jobs: Jobs, login: Sequence[str], one: Path, claims: Mapping[str, str], reason: str
    ) -> None:
        assert reason in self.unchecked(lint.report(*login, one, CI_JWT=jobs.jwt(**{**CLAIMS, **claims})))

    def test_somebody_else_s_signature(self, lint: Lint, login: Sequence[str], one: Path) -> None:
        forged = Jobs("https://ci.example").jwt(**CLAIMS)
        assert "Vault refuses" in self.unchecked(lint.report(*login, one, CI_JWT=forged))

    @pytest.mark.parametrize("environment", [{}, {"CI_JWT": ""}, {"CI_JWT": "no.jwt"}])
    def test_a_fork_s_pull_request_has_no_identity(
        self, lint: Lint, login: Sequence[str], one: Path, environment: Mapping[str, str]
    ) -> None:
        assert "no identity" in self.unchecked(lint.report(*login, one, **environment))
        assert lint.run(*login, one, **environment).exit_code == 0
        required = lint.run(*login, "--require-vault", one, **environment)
        assert required.exit_code == NOT_DONE
        assert "Vault was not there" in required.stderr

    @pytest.mark.parametrize(
        ("environment", "reason"),
        [
            pytest.param({}, "there is no token", id="none"),
            pytest.param({"VAULT_TOKEN": "unknown"}, "does not know your token", id="unknown"),
            pytest.param({"VAULT_ADDR": ""}, "set VAULT_ADDR", id="no address"),
        ],
    )
    def test_without_a_token(self, lint: Lint, one: Path, environment: Mapping[str, str], reason: str) -> None:
        assert reason in self.unchecked(lint.report("--vault", one, **environment))
        assert lint.run("--vault", "--require-vault", one, **environment).exit_code == NOT_DONE

    def test_a_token_without_any_right_finds_nothing_and_says_what_it_lacks(
        self, vault: Vault, lint: Lint, one: Path
    ) -> None:
        made = vault.client().auth.token.create(policies=["keyhole-none"], ttl="10m", no_default_policy=True)
        report = lint.report("--vault", one, VAULT_TOKEN=made["auth"]["client_token"])
        reasons = [each["reason"] for each in report["unchecked"]]
        assert any("keyhole tenant --review" in each for each in reasons), reasons
        assert any('path "sys/policies/acl/keyhole-shop"' in each for each in reasons), reasons
        # Vault was there.
        code = lint.run("--vault", "--require-vault", one, VAULT_TOKEN=made["auth"]["client_token"]).exit_code
        assert code == 0

    def test_a_token_that_may_not_see_the_names(self, vault: Vault, lint: Lint, one: Path) -> None:
        made = vault.client().auth.token.create(policies=["keyhole-shop"], ttl="10m", no_default_policy=True)
        report = lint.report("--vault", one, VAULT_TOKEN=made["auth"]["client_token"])
        reasons = " ".join(each["reason"] for each in report["unchecked"])
        assert 'path "secret/subkeys/app" { capabilities = ["read"] }' in reasons


class TestOtherMounts:
    """Mounts on which there is nothing to be seen without values."""

    @pytest.fixture
    def write(self, tmp_path: Path) -> Callable[..., Path]:
        def write(path: str, namespace: str = "shop", version: int | None = None) -> Path:
            file = tmp_path / "a.yaml"
            case = Case("a", Reference(path, "password", version=version), namespace=namespace)
            file.write_text(json.dumps(case.manifest))
            return file

        return write

    @pytest.fixture
    def token(self, vault: Vault) -> str:
        """Return a token to which Vault shows these mounts."""
        text = "".join(f'path "{mount}/shown" {{ capabilities = ["read"] }}\n' for mount in ("legacy", "transit"))
        client = vault.client()
        client.sys.create_or_update_policy("mounts", text)
        return str(client.auth.token.create(policies=["keyhole_review", "mounts"], ttl="10m")["auth"]["client_token"])

    def test_another_engine(self, lint: Lint, token: str, write: Callable[..., Path]) -> None:
        report = lint.report("--vault", write("transit/app"), VAULT_TOKEN=token)
        (found,) = report["findings"]
        assert (found["rule"], "transit is not a key/value mount" in found["message"]) == ("KH105", True)

    def test_kv_v1_shows_no_names_but_the_policy_is_judged(
        self, lint: Lint, token: str, write: Callable[..., Path]
    ) -> None:
        report = lint.report("--vault", write("legacy/app", "legacy"), VAULT_TOKEN=token)
        assert report["findings"] == []
        assert [each["reason"][:37] for each in report["unchecked"]] == ["KH105, KH106: legacy is a KV v1 mount"]
        report = lint.report("--vault", write("legacy/app", "exact"), VAULT_TOKEN=token)
        assert [each["rule"] for each in report["findings"]] == ["KH104"]

    def test_a_version_on_kv_v1(self, lint: Lint, token: str, write: Callable[..., Path]) -> None:
        report = lint.report("--vault", write("legacy/app", version=2), VAULT_TOKEN=token)
        (found,) = report["findings"]
        assert (found["rule"], "keeps no versions" in found["message"]) == ("KH105", True)

    def test_a_mount_that_only_the_connections_file_knows(
        self, vault: Vault, lint: Lint, write: Callable[..., Path], tmp_path: Path
    ) -> None:
        token = vault.client().auth.token.create(policies=["keyhole_review"], ttl="10m")["auth"]["client_token"]
        auth = {"method": "jwt", "role": "keyhole-{namespace}"}
        known = {"address": vault.url, "caFile": str(vault.ca_file), "auth": auth, "mounts": {"legacy": 1}}
        file = tmp_path / "connections"
        file.write_text(json.dumps({"connections": {"default": known}}))
        report = lint.report("--vault", "--connections", file, write("legacy/app", "exact"), VAULT_TOKEN=token)
        assert [each["rule"] for each in report["findings"]] == ["KH104"]
        assert "legacy is a KV v1 mount" in report["unchecked"][0]["reason"]


class TestConnections:
    @pytest.fixture
    def write(self, tmp_path: Path) -> Callable[..., Path]:
        def write(**connections: Mapping[str, Any]) -> Path:
            file = tmp_path / "connections.yaml"
            usual = {"auth": {"method": "jwt", "role": "keyhole-{namespace}"}}
            known = {name: {**usual, **one} for name, one in connections.items()}
            file.write_text(json.dumps({"connections": known}))
            return file

        return write

    @pytest.fixture
    def token(self, vault: Vault) -> str:
        made = vault.client().auth.token.create(policies=["keyhole_review"], ttl="10m")
        return str(made["auth"]["client_token"])

    @pytest.fixture
    def both(self, tmp_path: Path) -> Path:
        folder = tmp_path / "tree"
        folder.mkdir()
        for name in ("no-field", "unknown-connection"):
            (folder / f"{name}.yaml").write_text(json.dumps(CASES[name].manifest))
        return folder

    def test_each_connection_of_the_file_is_asked(
        self, vault: Vault, lint: Lint, write: Callable[..., Path], token: str, both: Path
    ) -> None:
        one = {"address": vault.url, "caFile": str(vault.ca_file)}
        # A file that is wrong about a mount changes nothing: Vault is asked.
        file = write(default={**one, "mounts": {"secret": 1}}, eu={**one, "auth": {"method": "jwt", "role": "exact"}})
        report = lint.report("--vault", "--connections", file, both, VAULT_TOKEN=token)
        found = {Path(each["file"]).stem: each["rule"] for each in report["findings"] if each["rule"] in RULES}
        assert found == {"no-field": "KH105"}
        assert report["unchecked"] == []

    def test_the_ca_of_the_environment_stands_in_for_one_that_is_not_here(
        self, vault: Vault, lint: Lint, write: Callable[..., Path], token: str, both: Path
    ) -> None:
        file = write(default={"address": vault.url, "caFile": "/not/here.crt"})
        report = lint.report("--vault", "--connections", file, both, VAULT_TOKEN=token)
        assert [each["rule"] for each in report["findings"] if each["rule"] in RULES] == ["KH105"]
        assert "eu is not in the connections file" in report["unchecked"][0]["reason"]

    def test_credentials_go_to_vault_addr_only(
        self, vault: Vault, lint: Lint, write: Callable[..., Path], token: str, both: Path
    ) -> None:
        elsewhere = {"address": f"https://127.0.0.1:{free_port()}", "caFile": str(vault.ca_file)}
        file = write(default=elsewhere, eu={"address": vault.url, "caFile": str(vault.ca_file)})
        given = ("--vault", "--connections", file, both)
        reasons = [each["reason"] for each in lint.report(*given, VAULT_TOKEN=token)["unchecked"]]
        assert [each for each in reasons if "another Vault than VAULT_ADDR" in each]
        # Without it nobody can tell whose the token is.
        reasons = [each["reason"] for each in lint.report(*given, VAULT_TOKEN=token, VAULT_ADDR="")["unchecked"]]
        assert [each for each in reasons if "VAULT_ADDR must say" in each]


def test_the_names_of_fields_for_other_commands(
    vault: Vault, planted: None, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"VAULT_ADDR": vault.url, "VAULT_CACERT": str(vault.ca_file)}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("CI_JWT", jobs.jwt(**CLAIMS))
    told: list[str] = []
    before = len(vault.audit_requests())
    with inspectors(None, Login("keyhole_review", "CI_JWT", "github")) as of:
        at = keys_at(of, told.append)
        assert [at("default", "secret/nested") for _ in range(2)] == [["db", "list", "nothing", "number", "text"]] * 2
        assert [at("default", "secret/none"), at("default", "secret/none"), at("eu", "secret/app")] == [None] * 3
    assert told[0].startswith("secret/none: there is no secret at this path")
    assert told[1].startswith("the connection eu has no address")
    assert len(told) == 2
    asked = [each["request"]["path"] for each in vault.audit_requests()[before:]]
    assert [path.rpartition("/")[2] for path in asked if "/subkeys/" in path] == ["nested", "none"]
    assert asked[-1] == "auth/token/revoke-self"


class TestAway:
    def test_nobody_listens(self, lint: Lint, tree: Path) -> None:
        address = f"https://127.0.0.1:{free_port()}"
        given = {"VAULT_ADDR": address, "VAULT_TOKEN": "x"}
        report = lint.report("--vault", tree, **given)
        assert not [each for each in report["findings"] if each["rule"] in RULES]
        assert any("refuses connections" in each["reason"] for each in report["unchecked"])
        assert lint.run("--vault", "--require-vault", tree, **given).exit_code == NOT_DONE

    def test_a_certificate_that_nobody_vouches_for(self, vault: Vault, lint: Lint, tree: Path) -> None:
        report = lint.report("--vault", tree, VAULT_TOKEN="x", VAULT_CACERT="")
        assert any("certificate that is not trusted" in each["reason"] for each in report["unchecked"])

    def test_a_sealed_vault(self, vault: Vault, lint: Lint, login: Sequence[str], jobs: Jobs, tree: Path) -> None:
        vault.seal()
        try:
            jwt = jobs.jwt(**CLAIMS)
            report = lint.report(*login, tree, CI_JWT=jwt)
            required = lint.run(*login, "--require-vault", tree, CI_JWT=jwt)
        finally:
            vault.unseal()
        assert not [each for each in report["findings"] if each["rule"] in RULES]
        assert any("is sealed or in maintenance (status 503)" in each["reason"] for each in report["unchecked"])
        assert required.exit_code == NOT_DONE
