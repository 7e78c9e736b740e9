"""What Vault holds, made up anew at each run, and what the cluster must hold in consequence.

What is expected is written out by hand, key by key: computed by the resolver itself, it would prove nothing.
"""

import base64
import json
import secrets
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from certs.issue import issue_ca, issue_serving
from resolver.references.value import SecretValue

# Whoever sees this outside of Vault and the cluster's Secrets has found a leak.
MARK = "never-in-git-"
HIDDEN = "••••••"
DATABASE = "secret/shop/database"
PAYMENTS = "secret/shop/payments"
_SHORTEST_SEARCHED = 8


@dataclass(frozen=True)
class Expected:
    """A field of a Secret: text that Git holds too, and values that come from Vault."""

    pieces: tuple[str | SecretValue, ...]

    @property
    def text(self) -> str:
        """The whole field in plain text."""
        return "".join(piece if isinstance(piece, str) else piece.reveal_text() for piece in self.pieces)

    @property
    def masked(self) -> str:
        """The field with a mask where each value stands."""
        return "".join(piece if isinstance(piece, str) else HIDDEN for piece in self.pieces)


@dataclass(frozen=True)
class Values:
    """`in_vault`: path to field to value. `expected`: name of a Secret and key to what it must hold.

    `rotated` is what Vault held before; it must not be seen anywhere either.
    """

    in_vault: Mapping[str, Mapping[str, SecretValue]]
    expected: Mapping[tuple[str, str], Expected]
    rotated: Mapping[str, Mapping[str, SecretValue]] = field(default_factory=dict)

    def found_in(self, text: str) -> list[str]:
        """Return the paths and fields whose value, of now or before, stands in the text, as it is or encoded."""
        found = (
            f"{path}#{name}"
            for held in (self.in_vault, self.rotated)
            for path, fields in held.items()
            for name, value in fields.items()
            if any(form in text for form in _forms(value))
        )
        return list(dict.fromkeys(found))

    def with_another_password(self) -> "Values":
        """Return the values with a new password of the database."""
        password = _password()
        in_vault = {**self.in_vault, DATABASE: {"password": password}}
        return Values(in_vault, {**self.expected, **_database(password)}, rotated=self.in_vault)


def made_up() -> Values:
    """Return new values for every reference in `examples/base`."""
    password = _password()
    token = SecretValue(_random())
    username, registry_password = SecretValue(_random()), SecretValue(_random())
    ca = issue_ca("shop-ca")
    serving = issue_serving(ca, ["shop.example"])
    certificate, key = SecretValue(serving.certificate_pem), SecretValue(serving.key_pem)
    in_vault = {
        "secret/shop/certificate": {"certificate": certificate, "key": key},
        DATABASE: {"password": password},
        PAYMENTS: {"token": token},
        "secret/shop/registry": {"username": username, "password": registry_password},
    }
    endpoint = "[payments]\nendpoint = https://pay.example\n"
    expected = {
        ("certificate", "tls.crt"): Expected((certificate,)),
        ("certificate", "tls.key"): Expected((key,)),
        **_database(password),
        ("payments", "client.ini"): Expected((f"{endpoint}token = ", token, "\n")),
        ("payments", "token"): Expected((token,)),
        ("registry", ".dockerconfigjson"): _docker(username, registry_password),
    }
    return Values(in_vault, expected)


def _password() -> SecretValue:
    """Return one with characters that a URL cannot hold as they are."""
    return SecretValue(f"{_random()}/@:")


def _database(password: SecretValue) -> dict[tuple[str, str], Expected]:
    escaped = SecretValue(urllib.parse.quote(password.reveal_text(), safe=""))
    return {
        ("database", "password"): Expected((password,)),
        ("database", "url"): Expected(("postgres://shop:", escaped, "@db.shop/shop")),
    }


def _docker(username: SecretValue, password: SecretValue) -> Expected:
    """Return docker's configuration as compact JSON, with `auth` made of the other two."""
    both = f"{username.reveal_text()}:{password.reveal_text()}".encode()
    auth = SecretValue(base64.b64encode(both))
    middle, last = '","password":"', '","auth":"'
    return Expected(('{"auths":{"registry.example":{"username":"', username, middle, password, last, auth, '"}}}'))


def _random() -> str:
    return MARK + secrets.token_hex(8)


def _forms(value: SecretValue) -> Iterator[str]:
    """Give each line of the value that tells something: raw, in base64 (each alignment), URL-encoded, as JSON."""
    for line in value.reveal_text().splitlines():
        if len(line) < _SHORTEST_SEARCHED or line.startswith("-----"):
            continue
        raw = line.encode()
        yield line
        yield from (base64.b64encode(b"\0" * shift + raw)[4:-4].decode() for shift in range(3))
        yield urllib.parse.quote(line, safe="")
        yield json.dumps(line)[1:-1]
