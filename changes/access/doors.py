"""The door that the settings ask for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from changes.access.access_review import REMEMBERED_SECONDS, Rights
from changes.access.bearer import BearerDoor
from changes.access.token_review import ReviewedTokens
from changes.access.tokens import IssuerSettings, Tokens
from kube.access import ReadAccess
from kube.client import connect
from kube.tokens import TokenReviews

AUDIENCE: Final = "keyhole-page"
"""For whom a token of Kubernetes is by default. One for the API server itself would be as good there as its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Whose tokens are accepted. `audience` is for those of Kubernetes, if they are; `kubeconfig` for the API server.

    The API server is asked for everybody's rights, whoever issued their token.
    """

    issuer: IssuerSettings | None = None
    kubernetes_tokens: bool = False
    audience: str = AUDIENCE
    kubeconfig: Path | None = None


def bearer_door(settings: AccessSettings) -> BearerDoor:
    """Return the door for those who show a token. To be called after a fork. Raises `KubernetesUnavailable`."""
    api = connect(settings.kubeconfig)
    access = ReadAccess(api, allowed_seconds=REMEMBERED_SECONDS, denied_seconds=REMEMBERED_SECONDS)
    return BearerDoor(
        Rights(access),
        None if settings.issuer is None else Tokens(settings.issuer),
        ReviewedTokens(TokenReviews(api, settings.audience)) if settings.kubernetes_tokens else None,
    )
