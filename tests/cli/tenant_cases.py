"""The golden files of `keyhole tenant`, and how each is made.

`python -m tests.cli.tenant_cases` writes them anew.
"""

from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner, Result

from cli.commands.tenant import tenant

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "tenant"
_INPUTS = "tests/golden/tenant/inputs"
CONNECTIONS = f"{_INPUTS}/connections.yaml"
MANIFESTS = f"{_INPUTS}/manifests.yaml"
KINDS = f"{_INPUTS}/kinds.yaml"

_OF_MANIFESTS = ["shop", "--vault-only", "-f", MANIFESTS, "--connections", CONNECTIONS]
_OF_EU = ["shop", "--vault-only", "-f", MANIFESTS, "--connections", CONNECTIONS, "--connection", "eu"]
_SHARED = ["shop", "--vault-only", "--templated", "--connections", CONNECTIONS, "--connection", "shared"]

_REVIEW = ["--review", "--repository"]

CASES: Mapping[str, Sequence[str]] = {
    "bundle.yaml": ["shop"],
    "bundle-of-other-accounts.yaml": [
        "123",
        *("--webhook-service-account", "vault-system/hook"),
        *("--controller-service-account", "vault-system/true"),
    ],
    "bundle-with-restarts.yaml": ["shop", "--restarts"],
    "bundle-with-variables.yaml": ["shop", "--variables"],
    "bundle-with-kinds.yaml": ["shop", "--kinds", KINDS],
    "bundle-guarded.yaml": ["shop", "--guard-accounts", "--controller-service-account", "vault-system/true"],
    "bundle-with-enforcer.yaml": ["shop", "--enforcer", "--guard-accounts"],
    "everything.sh": ["shop", "--vault", "--path", "secret/shop/app", "--kv", "secret=2"],
    "manifests.sh": _OF_MANIFESTS,
    "manifests.hcl": [*_OF_MANIFESTS, "-o", "hcl"],
    "manifests.tf": [*_OF_MANIFESTS, "-o", "terraform"],
    "eu.sh": _OF_EU,
    "eu.tf": [*_OF_EU, "-o", "terraform"],
    "batch.hcl": [
        "shop",
        "--vault-only",
        "--path",
        "legacy/x",
        "--kv",
        "legacy=1",
        "--token-type",
        "batch",
        "-o",
        "hcl",
    ],
    "templated-jwt.sh": ["shop", "--vault-only", "--templated", "--kv", "secret=2"],
    "templated-bao.sh": ["shop", "--vault-only", "--templated", "--kv", "secret=2", "--program", "bao"],
    "bao.hcl": ["shop", "--vault-only", "--templated", "--kv", "secret=2", "--program", "bao", "-o", "hcl"],
    "templated-jwt.tf": ["shop", "--vault-only", "--templated", "--kv", "secret=2", "-o", "terraform"],
    "templated-kubernetes.sh": [*_SHARED, "--accessor", "auth_kubernetes_1a2b3c4d"],
    "templated-kubernetes.tf": [*_SHARED, "--accessor", "auth_kubernetes_1a2b3c4d", "-o", "terraform"],
    "review.sh": [*_REVIEW, "acme/deploy", "--kv", "secret=2"],
    "review.tf": [*_REVIEW, "acme/deploy", "--connections", CONNECTIONS, "--connection", "eu", "-o", "terraform"],
    "review-gitlab.hcl": [
        *(*_REVIEW, "acme/platform/deploy", "--ci", "gitlab", "--auth-mount", "ci/gitlab", "--program", "bao"),
        *("--kv", "secret=2", "--kv", "teams=2", "--kv", "legacy=1", "--token-type", "batch", "-o", "hcl"),
    ],
    "enforcer.sh": ["--enforcer"],
    "enforcer.tf": ["--enforcer", "--connections", CONNECTIONS, "--connection", "eu", "-o", "terraform"],
    "enforcer-kubernetes.hcl": [
        *("--enforcer", "--enforcer-service-account", "vault-system/true", "--token-type", "batch"),
        *("--connections", CONNECTIONS, "--connection", "shared", "--program", "bao", "-o", "hcl"),
    ],
    "templated-paths.hcl": [*_SHARED, "--path", "secret/teams/{namespace}/app", "-o", "hcl"],
}


def run(*arguments: str | Path, standard_input: str | bytes | None = None) -> Result:
    """Run the command at the repository's root; anything but an exit would be a traceback for the user."""
    with chdir(ROOT):
        result = CliRunner().invoke(tenant, [str(argument) for argument in arguments], input=standard_input)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


if __name__ == "__main__":
    for name, arguments in CASES.items():
        (GOLDEN / name).write_text(run(*arguments).stdout, encoding="utf-8")
