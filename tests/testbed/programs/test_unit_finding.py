"""Which program is taken: by version, by place, by explicit name. The programs here are shell scripts."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.errors import FolderMissing, ProgramMissing, ProgramUnfit
from testbed.programs import pins
from testbed.programs.catalogue import ALL
from testbed.programs.finding import BUILT, Found, ask_version, find
from testbed.programs.needed import ensure
from testbed.programs.reports import Report, SilentReport
from testbed.programs.toolbox import Toolbox
from testbed.programs.versions import Version

MODULES = Path(__file__).parents[3] / "testbed" / "programs" / "modules"


class Lines:
    """A report that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        self.lines.append(title)
        yield


def script(folder: Path, name: str, body: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def says(text: str) -> str:
    return f"echo '{text}'"


def look(name: str, environment: dict[str, str], timeout_seconds: float = 20.0) -> tuple[Found | None, list[str]]:
    report = Lines()
    found = find(ALL[name], pins.KUBERNETES, environment, report, timeout_seconds)
    return found, report.lines


@pytest.mark.parametrize(
    ("name", "says_version", "fits"),
    [
        pytest.param("kube-apiserver", "Kubernetes v1.36.3", True, id="the pinned API server fits"),
        pytest.param("kube-apiserver", "Kubernetes v1.34.0", True, id="the oldest API server fits"),
        pytest.param("kube-apiserver", "Kubernetes v1.33.9", False, id="an older API server does not"),
        pytest.param("etcd", "etcd Version: 3.6.8\nGit SHA: x\nGo Version: go1.26.8", True, id="etcd 3.6 fits"),
        pytest.param("etcd", "etcd Version: 3.5.29", False, id="etcd 3.5 does not"),
        pytest.param("vault", "Vault v1.21.1 (abcdef), built 2025-11-18", True, id="Vault 1.21 fits"),
        pytest.param("vault", "Vault v1.18.5 (abcdef), built 2025-01-01", False, id="Vault 1.18 does not"),
        pytest.param("kubectl", "Client Version: v1.37.0", True, id="a kubectl one minor newer fits"),
        pytest.param("kubectl", "Client Version: v1.35.1", True, id="a kubectl one minor older fits"),
        pytest.param("kubectl", "Client Version: v1.32.4-dispatcher", False, id="a kubectl four minors older does not"),
        pytest.param("kubectl", "Client Version: v2.36.3", False, id="a kubectl of another major does not"),
        pytest.param("kube-controller-manager", "Kubernetes v1.36.0", True, id="a manager of the same minor fits"),
        pytest.param("kube-controller-manager", "Kubernetes v1.35.3", False, id="a manager of another minor does not"),
        pytest.param("helm", "v3.22.0+g1234567", True, id="helm 3 fits"),
        pytest.param("helm", "v4.0.1+g1234567", False, id="helm 4 does not"),
        pytest.param("redis-server", "Redis server v=7.0.15 sha=00000000:0 bits=64", True, id="Redis 7 fits"),
        pytest.param("redis-server", "Redis server v=6.0.16 sha=00000000:0 bits=64", False, id="Redis 6 does not"),
        pytest.param("helm", "no numbers here", False, id="a program without a version does not"),
    ],
)
def test_a_program_on_path(name: str, says_version: str, *, fits: bool, tmp_path: Path) -> None:
    path = script(tmp_path / "bin", name, says(says_version))
    found, lines = look(name, {"PATH": str(path.parent)})
    if fits:
        assert found == Found(path, Version.first_in(says_version), "PATH")
        assert lines == []
    else:
        assert found is None
        assert len(lines) == 1
        assert lines[0].startswith(f"passing over {path}: it ")
        assert ALL[name].wanted in lines[0]


def test_kubebuilder_assets_come_before_path(tmp_path: Path) -> None:
    asset = script(tmp_path / "assets", "etcd", says("etcd Version: 3.6.1"))
    on_path = script(tmp_path / "bin", "etcd", says("etcd Version: 3.6.2"))
    environment = {"PATH": str(on_path.parent), "KUBEBUILDER_ASSETS": str(asset.parent)}
    assert look("etcd", environment)[0] == Found(asset, Version(3, 6, 1), "KUBEBUILDER_ASSETS")


def test_a_folder_comes_before_assets_and_is_trusted_with_what_says_no_version(tmp_path: Path) -> None:
    asset = script(tmp_path / "assets", "etcd", says("etcd Version: 3.6.1"))
    chosen = script(tmp_path / "folder", "etcd", says("etcd Version: 3.6.2"))
    environment = {"PATH": "", "KUBEBUILDER_ASSETS": str(asset.parent), "KEYHOLE_TESTBED_BIN": str(chosen.parent)}
    assert look("etcd", environment)[0] == Found(chosen, Version(3, 6, 2), "KEYHOLE_TESTBED_BIN")
    plugin = script(chosen.parent, "vault-plugin-auth-kubernetes", "exit 1")
    assert look(plugin.name, environment)[0] == Found(plugin, None, "KEYHOLE_TESTBED_BIN")


def test_an_unfit_program_in_the_folder_is_passed_over(tmp_path: Path) -> None:
    unfit = script(tmp_path / "folder", "etcd", says("etcd Version: 3.4.1"))
    found, lines = look("etcd", {"PATH": "", "KEYHOLE_TESTBED_BIN": str(unfit.parent)})
    assert found is None
    assert lines == [f"passing over {unfit}: it is 3.4.1, wanted is 3.6.0 or later"]


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing, match="KEYHOLE_TESTBED_BIN names .*, which is not a folder"):
        look("etcd", {"KEYHOLE_TESTBED_BIN": str(tmp_path / "gone"), "PATH": ""})


@pytest.mark.parametrize(("is_built", "is_named"), [(True, False), (False, True), (False, False)])
def test_a_vault_that_is_built_here_needs_its_plugin_and_an_official_one_none(
    tmp_path: Path, *, is_built: bool, is_named: bool
) -> None:
    programs = {"kube-apiserver": "Kubernetes v1.36.3", "etcd": "3.6.8", "kubectl": "v1.36.3", "vault": "v1.21.1"}
    for name, version in programs.items():
        script(tmp_path / "bin", name, says(version))
    plugin = script(tmp_path / "bin", "vault-plugin-auth-kubernetes", "exit 1")
    environment = {"PATH": str(plugin.parent), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    toolbox = Toolbox(SilentReport(), environment | ({plugin_variable(): str(plugin)} if is_named else {}))
    if is_built:
        found = toolbox.ensure(["vault"])["vault"]
        toolbox._found = {
            "vault": Found(found.path, found.version, BUILT),
            plugin.name: Found(plugin, None, BUILT),
        }
    assert (plugin.name in ensure(toolbox)) == (is_built or is_named)


def plugin_variable() -> str:
    return ALL["vault-plugin-auth-kubernetes"].variable


def test_an_unfit_asset_is_passed_over_for_a_fit_one_on_path(tmp_path: Path) -> None:
    asset = script(tmp_path / "assets", "etcd", says("etcd Version: 3.4.1"))
    on_path = script(tmp_path / "bin", "etcd", says("etcd Version: 3.6.2"))
    found, lines = look("etcd", {"PATH": str(on_path.parent), "KUBEBUILDER_ASSETS": str(asset.parent)})
    assert found == Found(on_path, Version(3, 6, 2), "PATH")
    assert lines == [f"passing over {asset}: it is 3.4.1, wanted is 3.6.0 or later"]


def test_what_is_passed_over_is_told_once_and_again_when_it_is_another_version(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    redis = script(tmp_path / "bin", "redis-server", says("Redis server v=6.0.16"))

    def told(report: Report) -> None:
        with pytest.raises(ProgramMissing):
            Toolbox(report, environment).ensure(["redis-server"])

    told(SilentReport())  # nobody heard it
    report = Lines()
    for _ in range(3):
        told(report)
    assert [line.partition(", ")[0] for line in report.lines] == [f"passing over {redis}: it is 6.0.16"]
    script(tmp_path / "bin", "redis-server", says("Redis server v=6.0.17"))
    told(report)
    assert [line.partition(", ")[0] for line in report.lines[1:]] == [f"passing over {redis}: it is 6.0.17"]


def test_an_explicit_path_is_trusted_and_not_even_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    path = script(tmp_path / "bin", "bao", f"touch {ran}")
    found, _ = look("vault", {"KEYHOLE_TESTBED_VAULT": str(path), "PATH": ""})
    assert found == Found(path, None, "KEYHOLE_TESTBED_VAULT")
    assert not ran.exists()


def test_an_explicit_path_that_cannot_be_run_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "vault").write_text("no program")
    with pytest.raises(ProgramUnfit, match="KEYHOLE_TESTBED_VAULT names"):
        look("vault", {"KEYHOLE_TESTBED_VAULT": str(tmp_path / "vault")})


def test_openbao_on_path_is_not_taken_for_vault(tmp_path: Path) -> None:
    path = script(tmp_path / "bin", "bao", says("OpenBao v2.4.0"))
    assert look("vault", {"PATH": str(path.parent)})[0] is None


@pytest.mark.parametrize("name", ["vault-plugin-auth-kubernetes", "kustomize-controller", "argocd"])
def test_what_does_not_say_its_version_is_never_taken_from_path(name: str, tmp_path: Path) -> None:
    path = script(tmp_path / "bin", name, says(str(ALL[name].version)))
    assert look(name, {"PATH": str(path.parent)}) == (None, [])


def test_a_missing_program_that_cannot_be_built_is_told_of_before_anything_is_built(tmp_path: Path) -> None:
    environment = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path)}
    with pytest.raises(ProgramMissing, match=r"apt-get install redis-server.*KEYHOLE_TESTBED_REDIS_SERVER"):
        Toolbox(Lines(), environment).ensure(["helm", "redis-server"])
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_hangs_is_given_up(tmp_path: Path) -> None:
    path = script(tmp_path / "bin", "etcd", "exec sleep 60")
    found, lines = look("etcd", {"PATH": str(path.parent)}, timeout_seconds=0.2)
    assert found is None
    assert "does not say its version" in lines[0]


def test_a_program_that_fails_has_no_version(tmp_path: Path) -> None:
    assert ask_version(script(tmp_path / "bin", "etcd", "echo 3.6.8; exit 1"), (), 20.0) is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Vault v1.21.1+ent (abc)", Version(1, 21, 1)),
        ("v1.36.3-rc.1", Version(1, 36, 3)),
        ("Git SHA 1.2, go1.26.8", Version(1, 26, 8)),
        ("10.0.0.1", None),
        ("1.2", None),
        ("", None),
    ],
)
def test_the_first_version_in_a_text(text: str, version: Version | None) -> None:
    assert Version.first_in(text) == version


@pytest.mark.parametrize(
    ("module", "required", "pinned"),
    [
        ("kubernetes", "k8s.io/kubernetes", pins.KUBERNETES),
        ("kubernetes", "go.etcd.io/etcd/server/v3", pins.ETCD),
        ("vault", "github.com/hashicorp/vault", pins.VAULT),
        ("vault-kubernetes-auth", "github.com/hashicorp/vault-plugin-auth-kubernetes", pins.VAULT_KUBERNETES_AUTH),
        ("helm", "helm.sh/helm/v3", pins.HELM),
        ("helm-docs", "github.com/norwoodj/helm-docs", pins.HELM_DOCS),
        ("cert-manager-definitions", "github.com/cert-manager/cert-manager", pins.CERT_MANAGER),
        (
            "prometheus-definitions",
            "github.com/prometheus-operator/prometheus-operator",
            pins.PROMETHEUS_OPERATOR,
        ),
        ("report-definitions", "github.com/openreports/reports-api", pins.OPEN_REPORTS),
        ("flux", "github.com/fluxcd/kustomize-controller", pins.KUSTOMIZE_CONTROLLER),
        ("flux-sources", "github.com/fluxcd/source-controller", pins.FLUX_SOURCES),
        ("argocd", "github.com/argoproj/argo-cd/v3", pins.ARGOCD),
    ],
)
def test_the_pins_are_those_of_the_modules(module: str, required: str, pinned: Version) -> None:
    text = (MODULES / module / "go.mod").read_text()
    assert re.findall(rf"^(?:require|\t) ?{re.escape(required)} v(\S+)", text, re.MULTILINE) == [str(pinned)]


def test_no_module_needs_a_newer_go_than_the_messages_say() -> None:
    for module in MODULES.iterdir():
        wanted = re.search(r"^go (\S+)", (module / "go.mod").read_text(), re.MULTILINE)
        assert wanted is not None
        assert tuple(map(int, wanted[1].split("."))) <= pins.GO


def test_every_program_s_package_is_a_tool_of_its_module() -> None:
    for program in (program for program in ALL.values() if program.module):
        assert re.search(rf"^(tool |\t){re.escape(program.package)}$", _go_mod(program.module), re.MULTILINE)


def _go_mod(module: str) -> str:
    return (MODULES / module / "go.mod").read_text()
