"""Logging in to Vault with a ServiceAccount's token.

Sources: Vault's HTTP API for the `jwt` and `kubernetes` authentication methods, and `auth/token/revoke-self`.
"""

import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus

from hvac.api.auth_methods import JWT, Kubernetes, Token

from resolver import answers, jsontext
from resolver.deadline import Deadline
from resolver.edge_errors import LoginDenied, VaultUnavailable
from resolver.jsontext import JsonNumber
from resolver.observer import Operation
from resolver.transport import Transport
from resolver.value import SecretValue
from resolver.wire import VaultAnswer

# A token is dropped while a tenth of its life is left, so that none expires between its choice and its use.
_USABLE_PART_OF_LIFE = 0.9


@dataclass(frozen=True, slots=True)
class VaultToken:
    """A Vault token in memory, until when it is used (monotonic seconds), and whether Vault can revoke it."""

    token: SecretValue = field(repr=False)
    usable_until_seconds: float
    revocable: bool


def login(transport: Transport, role: str, identity: str, jwt: SecretValue, deadline: Deadline) -> VaultToken:
    """Exchange the ServiceAccount token of `identity` (named in errors only) for a Vault token.

    Raises `LoginDenied` when Vault does not accept the identity or the role, or what `Transport.send` raises.
    """
    authentication = transport.connection.auth
    # A second login does no harm: a token that nobody got expires.
    adapter = transport.adapter(deadline, may_repeat=True, operation=Operation.LOGIN)
    answer: VaultAnswer
    if authentication.method == "jwt":
        answer = JWT(adapter).jwt_login(role, jwt.reveal_text(), use_token=False, path=authentication.mount_point)
    else:
        answer = Kubernetes(adapter).login(
            role, jwt.reveal_text(), use_token=False, mount_point=authentication.mount_point
        )
    # Vault answers 400 for a role that does not exist or whose bounds the token does not meet, 403 for a token it
    # does not believe, 404 for a mount that is not there.
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        raise LoginDenied(identity, role, authentication.mount_point, answer.status)
    server = transport.connection.address
    granted = answers.parsed(answer, server, f"logging in as role {role}").get("auth")
    if not isinstance(granted, dict):
        raise VaultUnavailable(server, "sent an answer that is not Vault's")
    token, lifetime = jsontext.text(granted.get("client_token")), granted.get("lease_duration")
    # A token goes into a header of every request.
    if token is None or not re.fullmatch(r"[!-~]+", token) or not isinstance(lifetime, JsonNumber):
        raise VaultUnavailable(server, "sent an answer that is not Vault's")
    usable_seconds = float(lifetime) * _USABLE_PART_OF_LIFE
    return VaultToken(
        SecretValue(token), time.monotonic() + usable_seconds, revocable=granted.get("token_type") != "batch"
    )


def revoke(transport: Transport, token: VaultToken, deadline: Deadline) -> bool:
    """Have a token revoke itself; returns whether Vault did so. Batch tokens cannot be revoked."""
    if not token.revocable:
        return False
    adapter = transport.adapter(deadline, token.token, operation=Operation.REVOKE)
    answer: VaultAnswer = Token(adapter).revoke_self()
    return answer.status == HTTPStatus.NO_CONTENT
