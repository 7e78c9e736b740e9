"""Which program comes from where: an explicit path, KUBEBUILDER_ASSETS, PATH, or a build of the pinned module."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import pins
from testbed.errors import ProgramUnfit
from testbed.reports import Report
from testbed.versions import Version

VERSION_TIMEOUT_SECONDS = 20.0

_STRIP = "-s -w"
_KUBERNETES_LDFLAGS = " ".join(
    [
        _STRIP,
        f"-X k8s.io/component-base/version.gitVersion=v{pins.KUBERNETES}",
        f"-X k8s.io/component-base/version.gitMajor={pins.KUBERNETES.major}",
        f"-X k8s.io/component-base/version.gitMinor={pins.KUBERNETES.minor}",
    ]
)

Fits = Callable[[Version, Version], bool]


@dataclass(frozen=True)
class Program:
    """One program of the testbed.

    `module` is the folder below modules/ that builds `package`. `ask` are the arguments that make it print its version;
    without them a program is never taken from PATH. `fits` takes a found version and the API server's in use, and
    `wanted` says the same in words. `in_assets` marks what a KUBEBUILDER_ASSETS folder holds.
    """

    name: str
    version: Version
    module: str
    package: str
    fits: Fits
    wanted: str
    ask: tuple[str, ...] = ("--version",)
    build_flags: tuple[str, ...] = ("-ldflags", _STRIP)
    in_assets: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that names this program's file."""
        return "KEYHOLE_TESTBED_" + self.name.upper().replace("-", "_")


@dataclass(frozen=True)
class Found:
    """A program on disk: `version` is None when nobody asked (an explicit path is trusted as it is)."""

    path: Path
    version: Version | None
    source: str


def _kubernetes(name: str, fits: Fits, wanted: str, *, in_assets: bool, ask: tuple[str, ...]) -> Program:
    return Program(
        name=name,
        version=pins.KUBERNETES,
        module="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        fits=fits,
        wanted=wanted,
        ask=ask,
        build_flags=("-ldflags", _KUBERNETES_LDFLAGS),
        in_assets=in_assets,
    )


def _same_minor(found: Version, server: Version) -> bool:
    return found[:2] == server[:2]


def _within_one_minor(found: Version, server: Version) -> bool:
    # https://kubernetes.io/releases/version-skew-policy/#kubectl
    return found.major == server.major and abs(found.minor - server.minor) <= 1


ALL = {
    program.name: program
    for program in (
        _kubernetes(
            "kube-apiserver",
            lambda found, _: found >= pins.OLDEST_KUBERNETES,
            f"{pins.OLDEST_KUBERNETES} or later",
            in_assets=True,
            ask=("--version",),
        ),
        Program(
            name="etcd",
            version=pins.ETCD,
            module="kubernetes",
            package="go.etcd.io/etcd/server/v3",
            fits=lambda found, _: pins.OLDEST_ETCD <= found < (4,),
            wanted=f"{pins.OLDEST_ETCD} or later",
            in_assets=True,
        ),
        # OpenBao (`bao`) is not looked for: it could not be tried here. KEYHOLE_TESTBED_VAULT accepts it unasked.
        Program(
            name="vault",
            version=pins.VAULT,
            module="vault",
            package="github.com/hashicorp/vault",
            fits=lambda found, _: pins.OLDEST_VAULT <= found < (3,),
            wanted=f"{pins.OLDEST_VAULT} or later",
            # Without `minimal` the build drags in every cloud's SDK; with it kv, pki, transit, jwt and approle remain.
            build_flags=("-tags", "minimal", "-ldflags", _STRIP),
        ),
        # It prints no version and must fit Vault's plugin protocol, so it is never taken from PATH.
        Program(
            name="vault-plugin-auth-kubernetes",
            version=pins.VAULT_KUBERNETES_AUTH,
            module="vault-kubernetes-auth",
            package="github.com/hashicorp/vault-plugin-auth-kubernetes/cmd/vault-plugin-auth-kubernetes",
            fits=lambda _, __: False,
            wanted="the pinned build",
            ask=(),
        ),
        _kubernetes(
            "kubectl",
            _within_one_minor,
            "within one minor version of the API server",
            in_assets=True,
            ask=("version", "--client"),
        ),
        _kubernetes(
            "kube-controller-manager",
            _same_minor,
            "the API server's minor version",
            in_assets=False,
            ask=("--version",),
        ),
        Program(
            name="helm",
            version=pins.HELM,
            module="helm",
            package="helm.sh/helm/v3/cmd/helm",
            fits=lambda found, _: pins.OLDEST_HELM <= found < (4,),
            wanted=f"3.x, {pins.OLDEST_HELM} or later",
            ask=("version", "--short"),
        ),
    )
}


def ask_version(path: Path, arguments: tuple[str, ...], timeout_seconds: float) -> Version | None:
    """Run the program and return the first version it prints; None when it fails, hangs or prints none."""
    try:
        answer = subprocess.run(
            [str(path), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Version.first_in(answer.stdout)


def find(
    program: Program,
    server: Version,
    environment: Mapping[str, str],
    report: Report,
    timeout_seconds: float = VERSION_TIMEOUT_SECONDS,
) -> Found | None:
    """Return a ready-made program that fits, or None when it must be built.

    `server` is the version of the API server in use. One that is there and does not fit is passed over and `report`
    is told so in one line. Raises ProgramUnfit when the program's own variable names something that cannot be run.
    """
    explicit = environment.get(program.variable)
    if explicit:
        path = Path(explicit).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise ProgramUnfit(program.name, explicit, program.variable)
        return Found(path.absolute(), None, program.variable)
    if not program.ask:
        return None
    assets = environment.get("KUBEBUILDER_ASSETS") if program.in_assets else None
    for source, folders in (("KUBEBUILDER_ASSETS", assets), ("PATH", environment.get("PATH"))):
        candidate = shutil.which(program.name, path=folders) if folders else None
        if candidate is None:
            continue
        version = ask_version(Path(candidate), program.ask, timeout_seconds)
        if version is not None and program.fits(version, server):
            return Found(Path(candidate).absolute(), version, source)
        is_what = f"is {version}" if version else "does not say its version"
        report.say(f"passing over {candidate}: it {is_what}, wanted is {program.wanted}")
    return None
