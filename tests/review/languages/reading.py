"""Converts manifests of other tools, as `keyhole migrate` does with a whole tree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from review.languages import external_secrets, vault_secrets_operator
from review.languages.foreign import Context, Conversion, Language
from review.lint.objects import Manifest, manifests
from review.sources.edits import edited
from review.sources.stream import Document, read_text
from review.sources.text import Text

LANGUAGES: Sequence[Language] = (external_secrets, vault_secrets_operator)
STORE = """\
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: shop}
spec:
  provider:
    vault: {server: "https://vault.example:8200", path: secret, version: v2, auth: {kubernetes: {mountPath: kube}}}
"""
AUTH = """\
apiVersion: secrets.hashicorp.com/v1beta1
kind: VaultConnection
metadata: {name: vault, namespace: shop}
spec: {address: "https://vault.example:8200"}
---
apiVersion: secrets.hashicorp.com/v1beta1
kind: VaultAuth
metadata: {name: login, namespace: shop}
spec: {vaultConnectionRef: vault, method: kubernetes, mount: kube, kubernetes: {role: shop, serviceAccount: default}}
"""


@dataclass(frozen=True)
class Migrated:
    """What became of a text."""

    text: str
    conversions: Sequence[Conversion]

    @property
    def told(self) -> list[str]:
        return [told.message for conversion in self.conversions for told in conversion.told]

    @property
    def objects(self) -> list[Any]:
        return [found.content for found in read_text(Text("x.yaml", self.text)) if isinstance(found, Document)]

    def secret(self) -> Any:
        """Return the one Secret in it."""
        (found,) = [each for each in self.objects if each["kind"] == "Secret"]
        return found


def read(content: str) -> list[Manifest]:
    documents = [found for found in read_text(Text("x.yaml", content)) if isinstance(found, Document)]
    return [manifest for document in documents for manifest in manifests(document)]


def migrated(
    content: str,
    mappings: Mapping[str, str] | None = None,
    keys_at: Callable[[str, str], Sequence[str] | None] = lambda _connection, _path: None,
    languages: Sequence[Language] = LANGUAGES,
) -> Migrated:
    found = read(content)
    facts = {fact.key: fact.value for manifest in found for each in languages for fact in each.facts(manifest)}
    context = Context(facts, mappings or {}, keys_at)
    conversions, edits = [], {}
    for manifest in found:
        answers = [answer for each in languages if (answer := each.convert(manifest, context)) is not None]
        assert len(answers) <= 1, "an object is of one language"
        conversions += answers
        for answer in answers:
            if answer.edits:
                edits[manifest.document.number] = answer.edits
    return Migrated(edited(Text("x.yaml", content), edits), conversions)


def external(spec: str, *, store: str = STORE, metadata: str = "{name: app, namespace: shop}") -> str:
    """Return an ExternalSecret with this spec, and its store."""
    lines = "".join(f"  {line}\n" for line in spec.strip("\n").split("\n"))
    head = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n"
    return f"{store}---\n{head}metadata: {metadata}\nspec:\n  secretStoreRef: {{name: vault}}\n{lines}"
