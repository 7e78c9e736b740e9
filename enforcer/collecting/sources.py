"""Where the facts are, as the command line says it. What is not given is not asked, and told as not known."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE
from resolver.references.value import SecretValue

ForgeName: TypeAlias = Literal["github", "gitlab"]


@dataclass(frozen=True, slots=True)
class Forge:
    """Where the repository of the manifests is kept. `address` is that of its API, empty for the forge's own."""

    name: ForgeName
    repository: str
    branch: str
    token: SecretValue | None = field(default=None, repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is looked at. `cluster` says whether there is an API server; without `kubeconfig` it is this pod's own.

    `manifests` are folders with what Git has, rendered where it is templates; `git` is the work tree in which
    CODEOWNERS is looked for. `name` and `own_namespace` are those of the release of the chart.
    """

    cluster: bool = True
    kubeconfig: Path | None = None
    connections: Path | None = None
    kinds: Kinds = ONLY_SECRETS
    manifests: tuple[Path, ...] = ()
    git: Path | None = None
    forge: Forge | None = None
    audit_policy: Path | None = None
    audit_log: tuple[Path, ...] = ()
    audit_key: Path | None = None
    audit_heads: Path | None = None
    name: str = NAME
    own_namespace: str = OWN_NAMESPACE
