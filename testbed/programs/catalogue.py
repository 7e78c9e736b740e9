"""The programs of the testbed: what each is built from, and which ready-made ones are as good."""

from testbed.programs import pins
from testbed.programs.finding import Fits, Program
from testbed.programs.versions import Version

_STRIP = "-s -w"
_KUBERNETES_LDFLAGS = " ".join(
    [
        _STRIP,
        f"-X k8s.io/component-base/version.gitVersion=v{pins.KUBERNETES}",
        f"-X k8s.io/component-base/version.gitMajor={pins.KUBERNETES.major}",
        f"-X k8s.io/component-base/version.gitMinor={pins.KUBERNETES.minor}",
    ]
)


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
        # OpenBao (`bao`) is taken where KEYHOLE_TESTBED_VAULT names it: its Go module cannot be had to build it.
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
        # What it writes is compared byte for byte with what is in the tree.
        Program(
            name="helm-docs",
            version=pins.HELM_DOCS,
            module="helm-docs",
            package="github.com/norwoodj/helm-docs/cmd/helm-docs",
            fits=lambda _, __: False,
            wanted="the pinned build",
            ask=(),
        ),
        # Neither prints its version, and the custom resource definitions are those of the pinned modules.
        Program(
            name="kustomize-controller",
            version=pins.KUSTOMIZE_CONTROLLER,
            module="flux",
            package="github.com/fluxcd/kustomize-controller",
            fits=lambda _, __: False,
            wanted="the pinned build",
            ask=(),
        ),
        Program(
            name="argocd",
            version=pins.ARGOCD,
            module="argocd",
            package="github.com/argoproj/argo-cd/v3/cmd",
            fits=lambda _, __: False,
            wanted="the pinned build",
            ask=(),
        ),
        # Argo CD's cache. Not written in Go; Valkey, which could not be tried here, does when it is named explicitly.
        Program(
            name="redis-server",
            version=pins.OLDEST_REDIS,
            module="",
            package="",
            fits=lambda found, _: found >= pins.OLDEST_REDIS,
            wanted=f"{pins.OLDEST_REDIS} or later",
            install="on Debian and Ubuntu: apt-get install redis-server",
        ),
    )
}
