"""The Vault of whoever runs a command, and their token: the settings of the `vault` command."""

import os
import re
from pathlib import Path

from pydantic import ValidationError

from cli.errors import NotDoneError
from resolver.connections.files import with_bundle
from resolver.connections.model import Authentication, ConfigurationError, Connection
from resolver.connections.problems import problems
from resolver.references.value import SecretValue

# A token is sent in a header.
_TOKEN = re.compile(r"[!-~]+")


def own_token() -> SecretValue | None:
    """Return VAULT_TOKEN, or the token in ~/.vault-token; None if there is neither. Raises `NotDoneError`."""
    token, source = os.environ.get("VAULT_TOKEN", ""), "VAULT_TOKEN"
    token_file = Path.home() / ".vault-token"
    if not token and token_file.is_file():
        source = str(token_file)
        try:
            token = token_file.read_text(encoding="ascii", errors="replace").strip()
        except OSError as error:
            raise NotDoneError(f"{token_file} cannot be read: {error.strerror or type(error).__name__}") from None
    if token and not _TOKEN.fullmatch(token):
        raise NotDoneError(f"{source} holds characters that are in no token, such as a blank or a line break")
    return SecretValue(token) if token else None


def own_connection() -> Connection | None:
    """Return the connection that VAULT_ADDR, VAULT_CACERT and VAULT_NAMESPACE describe; None without VAULT_ADDR.

    Raises `NotDoneError`.
    """
    address = os.environ.get("VAULT_ADDR")
    if not address:
        return None
    ca_file = Path(os.environ["VAULT_CACERT"]) if os.environ.get("VAULT_CACERT") else None
    try:
        connection = Connection(
            address=address,
            auth=Authentication(method="jwt", role="unused"),
            ca_file=ca_file,
            vault_namespace=os.environ.get("VAULT_NAMESPACE") or None,
        )
    except ValidationError as error:
        raise NotDoneError(f"VAULT_ADDR: {problems(error)[0][1]}") from None
    try:
        return with_bundle(connection, "VAULT_CACERT")
    except ConfigurationError as error:
        raise NotDoneError(str(error)) from None
