"""The administrator's Vault connections: which servers references may reach, and with which identity.

Addresses, authentication mounts, roles, Vault namespaces and CA bundles come from this file only. Nothing in a manifest
can name one.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from resolver.connections import allow, bounded_file, tls_trust
from resolver.connections.allow import AllowPattern
from resolver.connections.problems import problems
from resolver.references import paths, yamltext

# The most that a ConfigMap or a Secret can hold, from which the file comes in a cluster.
MAX_BYTES = 1024 * 1024
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_NAMESPACE_FIELD = "{namespace}"
# For editors and Helm, which only know patterns; `_checked_address` gives better messages.
_ADDRESS_PATTERN = r"^(https://[^/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?)/?$"


class ConfigurationError(Exception):
    """A configuration file cannot be used. The message names the file, the field and the cause, but never a value."""


def _checked_address(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL such as https://vault.example:8200")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK_HOSTS:
        raise ValueError("must be https (http is accepted for loopback addresses only)")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("must hold scheme, host and port only")
    if not _has_usable_port(parts):
        raise ValueError("must have a port from 1 to 65535, or none")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _has_usable_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _checked_mount(mount: str) -> str:
    trimmed = mount.strip("/")
    # A mount is the beginning of a path, so the same rules apply.
    paths.check(f"{trimmed}/secret")
    return trimmed


def _checked_role(role: str) -> str:
    if not role or any(brace in role.replace(_NAMESPACE_FIELD, "") for brace in "{}"):
        raise ValueError("may hold {namespace} and no other braces")
    return role


def _parsed_pattern(text: object) -> AllowPattern:
    if not isinstance(text, str):
        raise ValueError("must be a text")  # noqa: TRY004 - pydantic takes ValueErrors
    return allow.parse(text)


Mount = Annotated[str, AfterValidator(_checked_mount)]
Seconds = Annotated[float, Field(gt=0, le=30)]
_Pattern = Annotated[AllowPattern, BeforeValidator(_parsed_pattern), WithJsonSchema({"type": "string"})]


class _Strict(BaseModel):
    """Unknown keys and values of the wrong type are errors. Instances cannot be changed."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        hide_input_in_errors=True,
    )


class Authentication(_Strict):
    """How Keyhole logs in for a namespace."""

    method: Literal["jwt", "kubernetes"] = Field(description="The method of Vault's at this mount.")
    role: Annotated[str, AfterValidator(_checked_role)] = Field(
        description="The role to log in with; {namespace} stands for the Kubernetes namespace.",
        examples=["keyhole-{namespace}"],
        json_schema_extra={"pattern": r"^([^{}]|\{namespace\})+$"},
    )
    mount: Mount | None = Field(default=None, description="Where the method is mounted; by default the method's name.")
    audience: Annotated[str, Field(min_length=1)] = Field(
        default="vault", description="The audience of the ServiceAccount tokens. Never the API server's own."
    )

    @property
    def mount_point(self) -> str:
        """The authentication mount; the method's own name unless configured."""
        return self.mount or self.method

    def role_for(self, namespace: str) -> str:
        """The Vault role with which the identity of a namespace logs in."""
        return self.role.replace(_NAMESPACE_FIELD, namespace)


class Retries(_Strict):
    """How reads and logins are repeated that may succeed in a moment, always within the request's deadline."""

    attempts: Annotated[int, Field(ge=0, le=5)] = Field(
        default=2, description="How often one request is repeated at most; 0 for never."
    )
    first_pause_seconds: Annotated[float, Field(gt=0, le=5)] = Field(
        default=0.05,
        description="The longest pause before the first repetition. It doubles for each further one, and the pause "
        "itself is chosen at random below it.",
    )
    longest_pause_seconds: Annotated[float, Field(gt=0, le=10)] = Field(
        default=1.0, description="The longest pause of all, save where Vault itself says when to come back."
    )


class Connection(_Strict):
    """One Vault server, and how to reach it. Times are in seconds."""

    address: Annotated[str, AfterValidator(_checked_address)] = Field(
        description="Vault's URL: scheme, host, port; https, or http on loopback. Redirects are not followed: name the "
        "active node or a balancer that finds it.",
        examples=["https://vault.example:8200"],
        json_schema_extra={"pattern": _ADDRESS_PATTERN},
    )
    auth: Authentication = Field(description="With which method, as which role, and where.")
    ca_file: Path | None = Field(
        default=None, strict=False, description="The CA bundle (PEM) that vouches for Vault; by default the system's."
    )
    vault_namespace: str | None = Field(default=None, description="The namespace of Vault Enterprise.")
    mounts: Mapping[Mount, Literal[1, 2]] = Field(
        default_factory=dict,
        description="Key/value mounts and their version. Vault is asked about others, and again when its answers no "
        "longer fit.",
        examples=[{"secret": 2}],
    )
    allow: tuple[_Pattern, ...] | None = Field(
        default=None,
        strict=False,
        description="Which paths references may reach, before Vault is asked: mount and path without data/, + for a "
        "segment, a final *, {namespace} for the request's namespace as a whole segment. By default everything but "
        "Vault's own mounts.",
        examples=[["secret/{namespace}/*"]],
    )
    timeout_seconds: Seconds = Field(
        default=5.0, description="The longest that Vault may take for an answer; the API server's deadline counts too."
    )
    retries: Retries = Field(
        default_factory=Retries, description="How a read or a login that is likely to succeed in a moment is repeated."
    )
    refresh_interval_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=300.0,
        description="How long a value that is proved is kept on a re-apply without asking Vault; 0 asks each time. Dry "
        "runs never ask.",
    )
    follow_interval_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=60.0,
        description="How often the controller asks Vault whether a path in use has changed, to bring the new value "
        "into the cluster; 0 never does.",
    )
    # What `ca_file` holds. It belongs to the connection: a renewed bundle makes it another one.
    _ca_bundle: bytes | None = PrivateAttr(default=None)

    def allows(self, location: str, namespace: str) -> bool:
        """Whether a reference in `namespace` may reach a location: the canonical mount and path, as one path."""
        segments = location.split("/")
        return self.allow is None or any(pattern.matches(segments, namespace) for pattern in self.allow)

    def trusting(self, bundle: bytes | None) -> Self:
        """Return the same connection with the content of its CA file; two with different contents are not equal."""
        copy = self.model_copy()
        copy._ca_bundle = bundle  # noqa: SLF001 - the copy is of this very class
        return copy

    def tls_context(self) -> ssl.SSLContext:
        """Return the TLS context for the server.

        It trusts the bundle given to `trusting`; without one the CA file is read now. Raises OSError (`ssl.SSLError`
        included) when there is no certificate in it.
        """
        bundle = self._ca_bundle
        if bundle is None and self.ca_file is not None:
            bundle = self.ca_file.read_bytes()
        return tls_trust.tls_context(bundle)


class ConnectionsFile(_Strict):
    """The Vault connections of Keyhole: where a reference may lead, and as whom."""

    connections: Annotated[
        dict[Annotated[str, Field(pattern=_NAME_PATTERN)], Connection],
        Field(
            min_length=1,
            description="The connections by name. References without a name use `default`; others are vault+NAME:…",
            json_schema_extra={"additionalProperties": False},
        ),
    ]


def read(file: Path) -> Mapping[str, Connection]:
    """Read a connections file (YAML) and return the connections by name, without looking for their CA files.

    Raises `ConfigurationError` naming the file and each field that is wrong.
    """
    return parse(read_bytes(file), file)


def read_bytes(file: Path) -> bytes:
    """Return what stands in a connections file; raises `ConfigurationError` when it cannot be read."""
    try:
        return bounded_file.read_bytes(file, MAX_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except bounded_file.TooLarge as error:
        raise ConfigurationError(f"{file}: {error}") from None


def parse(text: bytes, file: Path) -> Mapping[str, Connection]:
    """Return the connections in the content of a connections file. `file` is for messages; errors as in `read`."""
    try:
        documents = yamltext.parse(text)
    except yamltext.YamlTextError as error:
        raise ConfigurationError(f"{file}: {error}") from None
    if len(documents) > 1:
        raise ConfigurationError(f"{file}: holds {len(documents)} YAML documents, where there must be one")
    content = documents[0] if documents else None
    try:
        return ConnectionsFile.model_validate(content, by_alias=True, by_name=False).connections
    except ValidationError as error:
        told = "; ".join(f"{field or 'file'}: {problem}" for field, problem in problems(error))
        raise ConfigurationError(f"{file}: {told}") from None
