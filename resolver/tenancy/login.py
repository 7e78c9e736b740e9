"""Logging in to Vault with a ServiceAccount's token.

Sources: Vault's HTTP API for the `jwt` and `kubernetes` authentication methods, and `auth/token/revoke-self`.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import inf
from typing import Self

from hvac.api.auth_methods import JWT, Kubernetes, Token

from resolver.deadline import Deadline
from resolver.references import jsontext
from resolver.references.jsontext import JsonNumber, JsonValue
from resolver.references.value import SecretValue
from resolver.tenancy import login_refusal
from resolver.vault import responses
from resolver.vault.client import VaultClient
from resolver.vault.errors import LoginDenied, VaultUnavailable
from resolver.vault.http import VaultAnswer
from resolver.vault.observer import Operation

# A token is dropped when a tenth of its life is left, so that none expires between being chosen and being used.
_USABLE_PART_OF_LIFE = 0.9


@dataclass(frozen=True, slots=True)
class VaultToken:
    """A Vault token, and whether Vault can revoke it. Times are in monotonic seconds.

    `asked_at_seconds` is when its login began: the token shows what the role was then. It can be used `uses` times;
    None means without a limit.
    """

    token: SecretValue = field(repr=False)
    usable_until_seconds: float
    revocable: bool
    asked_at_seconds: float
    uses: int | None = None
    ends_at_seconds: float = inf
    """When Vault forgets it by itself."""


def login(client: VaultClient, role: str, identity: str, jwt: SecretValue, deadline: Deadline) -> VaultToken:
    """Exchange the ServiceAccount token of `identity` (named in errors only) for a Vault token.

    Raises `LoginDenied` when Vault does not accept the identity or the role, or what `VaultClient.send` raises.
    """
    authentication, asked_at_seconds = client.connection.auth, time.monotonic()
    # A second login does no harm: a token that nobody received expires.
    adapter = client.adapter(deadline, may_repeat=True, operation=Operation.LOGIN)
    answer: VaultAnswer
    if authentication.method == "jwt":
        answer = JWT(adapter).jwt_login(role, jwt.reveal_text(), use_token=False, path=authentication.mount_point)
    else:
        answer = Kubernetes(adapter).login(
            role, jwt.reveal_text(), use_token=False, mount_point=authentication.mount_point
        )
    server = client.connection.address
    # 400 and 403 are refusals by the method; 404 means that there is no such mount.
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        mount = authentication.mount_point
        if login_refusal.passes(answer):
            raise VaultUnavailable(server, f"could not get the keys by which auth/{mount} verifies tokens")
        why = login_refusal.reason(answer, authentication.method)
        told = why.format(role=role, mount=mount, audience=authentication.audience)
        raise LoginDenied(identity, role, mount, answer.status, told)
    granted = responses.parsed(answer, server, f"logging in as role {role}").get("auth")
    token = _granted(granted, asked_at_seconds) if isinstance(granted, dict) else None
    if token is None:
        raise VaultUnavailable(server, "sent an answer that is not Vault's")
    return token


def _granted(granted: Mapping[str, JsonValue], asked_at_seconds: float) -> VaultToken | None:
    token, lifetime = jsontext.text(granted.get("client_token")), granted.get("lease_duration")
    # The token is sent in a header of every request.
    if token is None or not re.fullmatch(r"[!-~]+", token) or not isinstance(lifetime, JsonNumber):
        return None
    uses, now, life_seconds = granted.get("num_uses"), time.monotonic(), float(lifetime)
    return VaultToken(
        SecretValue(token),
        usable_until_seconds=now + life_seconds * _USABLE_PART_OF_LIFE,
        revocable=granted.get("token_type") != "batch",
        asked_at_seconds=asked_at_seconds,
        # 0 means that the uses are not counted.
        uses=(int(uses) or None) if isinstance(uses, JsonNumber) and uses.isdigit() else None,
        ends_at_seconds=now + life_seconds,
    )


def revoke(client: VaultClient, token: VaultToken, deadline: Deadline) -> bool:
    """Have a token revoke itself. Returns whether Vault did so; batch tokens cannot be revoked."""
    if not token.revocable:
        return False
    adapter = client.adapter(deadline, token.token, operation=Operation.REVOKE)
    answer: VaultAnswer = Token(adapter).revoke_self()
    return answer.status == HTTPStatus.NO_CONTENT


class Allowance:
    """Limits how often something may be done: `most` times in a row, then once in `every_seconds`."""

    def __init__(self, most: int, every_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._every_seconds = every_seconds
        self._clock = clock
        self._full_at = clock()

    @classmethod
    def of_logins(cls) -> Self:
        """Return the limit for logins after denials.

        After a denial, the token may be older than the policy of its role, so a new login may help. But a bad reference
        must not make a namespace log in again and again. Several in a row are fine: a chart can have several.
        """
        return cls(20, 30.0)

    def wait_seconds(self) -> float:
        """Return how many seconds to wait, 0.0 for none."""
        return max(0.0, self._full_at - (self._most - 1) * self._every_seconds - self._clock())

    def spend(self) -> None:
        """Report that it was done."""
        self._full_at = max(self._full_at, self._clock()) + self._every_seconds
