"""A testbed of its own, with two pages over two worlds that differ only in what nobody here may see.

kube-controller-manager aggregates ClusterRoles.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Options, Testbed
from testbed.keyhole.objects import apply
from testbed.keyhole.rights import CHANGES_VIEW, PAGE_EVERYWHERE, PAGE_TOKENS, granted
from testbed.servers.authorization import wait_until_allowed
from tests.changes.serving.waiting import until
from tests.e2e.page.names import SEEN, Names, report, repository, trails
from tests.e2e.page.paging import Page, paging

# Not the one that the chart makes.
PAGE_USER = f"system:serviceaccount:{OWN_NAMESPACE}:page-of-the-tests"
AUDIENCE = "keyhole-page"
PEOPLE = "people"
OIDC = "oidc:"
ONE, OTHER = Names.of("qwxzk"), Names.of("jvkqp")


@dataclass(frozen=True)
class World:
    """A page, its commits, and which names are hidden in it."""

    page: Page
    names: Names
    commits: Sequence[str]


@dataclass(frozen=True)
class Tokens:
    """Tokens of ServiceAccounts that stand for people: `viewer` may see one namespace, `administrator` all."""

    bed: Testbed
    viewer: str
    stranger: str
    administrator: str

    @staticmethod
    def of(bed: Testbed, name: str, audience: str = AUDIENCE) -> str:
        answer = bed.kubernetes.request(
            "POST",
            f"/api/v1/namespaces/{PEOPLE}/serviceaccounts/{name}/token",
            {"spec": {"audiences": [audience], "expirationSeconds": 3600}},
        )
        answer.raise_for_status()
        return str(answer.json()["status"]["token"])


@pytest.fixture(scope="package")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    with Testbed(Options(controller_manager=True, directory=tmp_path_factory.mktemp("page").resolve())) as bed:
        for namespace in (OWN_NAMESPACE, PEOPLE, SEEN, ONE.namespace, OTHER.namespace):
            apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for name in ("viewer", "stranger", "administrator", "developer"):
            metadata = {"name": name, "namespace": PEOPLE}
            apply(bed, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
        apply(bed, *granted("page-of-the-tests", PAGE_USER, [*PAGE_EVERYWHERE, *PAGE_TOKENS]))
        for prefix in ("", OIDC):
            viewer, administrator = (f"{prefix}{account(name)}" for name in ("viewer", "administrator"))
            role = prefix.rstrip(":") or "own"
            apply(bed, *granted(f"changes-{role}", viewer, CHANGES_VIEW, SEEN))
            apply(bed, *granted(f"all-changes-{role}", administrator, CHANGES_VIEW))
            wait_until_allowed(bed, viewer, "get", "changes", namespace=SEEN, group="keyhole.dev")
            wait_until_allowed(bed, administrator, "get", "changes", group="keyhole.dev")
        tokens = "tokenreviews"
        wait_until_allowed(bed, PAGE_USER, "create", tokens, group="authentication.k8s.io")
        yield bed


def account(name: str) -> str:
    return f"system:serviceaccount:{PEOPLE}:{name}"


@pytest.fixture(scope="package")
def tokens(bed: Testbed) -> Tokens:
    return Tokens(bed, *(Tokens.of(bed, name) for name in ("viewer", "stranger", "administrator")))


@pytest.fixture(scope="package")
def kubeconfig(bed: Testbed) -> Path:
    """Return what the page is to the API server, with the rights that the chart gives it."""
    return bed.kubernetes.kubeconfig_for(PAGE_USER)


@pytest.fixture(scope="package")
def worlds(
    bed: Testbed, tokens: Tokens, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sequence[World]]:
    """Return two pages, of which nobody but the administrator can tell which is which."""
    with ExitStack() as stack:
        made = [_world(stack, tmp_path_factory.mktemp("world"), kubeconfig, names) for names in (ONE, OTHER)]
        for world in made:
            hidden = world.names.author.encode()
            until(lambda: hidden in world.page.get(f"/commit/deploy/{world.commits[-1]}", tokens.administrator).body)  # noqa: B023 - called here
        yield made


def _world(stack: ExitStack, folder: Path, kubeconfig: Path, names: Names) -> World:
    seen, hidden = trails(folder / "trails", names)
    clone, commits = repository(folder / "deploy.git", names)
    compliance = report(folder / "compliance.json", names)
    given = ("--trail", seen, "--trail", hidden, "--git", f"deploy={clone}", "--compliance", str(compliance))
    page = paging(folder / "page", kubeconfig, *given, "--kubernetes-tokens")
    return World(stack.enter_context(page), names, commits)


@pytest.fixture(scope="package")
def keys(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the API server's own keys as an issuer of tokens."""
    answer = bed.kubernetes.request("GET", "/openid/v1/jwks")
    answer.raise_for_status()
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps(answer.json()))
    return file
