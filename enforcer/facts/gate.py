"""The registration of the webhook, its policies and its certificate, as the API server has them."""

from typing import Any

from pydantic import AwareDatetime, Field

from enforcer.facts.base import Facts, NotKnown


class FilledKind(Facts):
    """A kind beside Secrets that Keyhole fills, as the list of kinds has it. A ConfigMap needs no other members."""

    group: str
    kind: str
    resource: str
    version: str
    fields: tuple[str, ...]


class Registered(Facts):
    """An object that tells the API server about Keyhole.

    `content` is the object less `apiVersion`, `kind`, `metadata` and `status`. It has no secret: CA bundles, rules,
    selectors and CEL.
    """

    kind: str
    name: str
    content: dict[str, Any]


class ServedCertificate(Facts):
    """What a TLS handshake with the webhook showed.

    `vouched` says whether the CA bundle that the API server has been given vouches for the certificate and its name;
    `problem` why not. `ends` is known of a certificate that is vouched for.
    """

    address: str
    vouched: bool
    problem: str = ""
    ends: AwareDatetime | None = None


class GateFacts(Facts):
    """What the API server has been told about Keyhole.

    `name` and `own_namespace` are those of the release, `kinds` what it fills beside Secrets. Of each kind of object
    there are those whose name is that of the release, or begins with it and a hyphen. `services` are of the APIService
    that leads to Keyhole, if there is one. `caller_mode` is what the Deployment says about how the API server proves
    itself. `pods` are the pods of that Deployment that are ready.
    """

    name: str
    own_namespace: str
    kinds: tuple[FilledKind, ...] = ()
    webhooks: tuple[Registered, ...] | NotKnown = Field(default=NotKnown(not_known="nobody asked"))
    services: tuple[Registered, ...] | NotKnown = Field(default=NotKnown(not_known="nobody asked"))
    policies: tuple[Registered, ...] | NotKnown = Field(default=NotKnown(not_known="nobody asked"))
    bindings: tuple[Registered, ...] | NotKnown = Field(default=NotKnown(not_known="nobody asked"))
    certificate: ServedCertificate | NotKnown = Field(default=NotKnown(not_known="nobody asked"))
    caller_mode: str | NotKnown = Field(default=NotKnown(not_known="nobody asked"))
    pods: tuple[str, ...] | NotKnown = Field(default=NotKnown(not_known="nobody asked"))
