"""A change in words, for text, HTML and the page. Pure.

What is told here was written by others: names, references, subjects of commits. Every text that is returned is one
line, of bounded length, with an escape for each character that a reader cannot see. It is no markup: whoever puts it
into HTML escapes it there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from changes.change import WRITTEN, Attribution, Certainty, Change, ChangedField, How
from changes.told import ToldField, ToldObject, ToldOrigin, ToldReference
from enforcer.telling.page.words import told
from manifests.fields.scan import Form
from resolver.identity import RECONCILER

Sign: TypeAlias = Literal["-", "+", " "]
_SERVICE_ACCOUNT: Final = "system:serviceaccount:"
_SHORT_ID: Final = 7
_TOOLS: Final[Mapping[str, str]] = {
    "flux-kustomization": "Flux, Kustomization",
    "flux-helm": "Flux, HelmRelease",
    "argocd": "Argo CD, Application",
    "helm": "Helm, release",
}
_HOW: Final = {
    How.ADDED: "new",
    How.REFERENCE: "another reference",
    How.REMOVED: "removed",
    How.TEXT: "other text around the reference",
}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff: a reference that is gone (`-`), that is new (`+`), or that stays (a blank)."""

    sign: Sign
    text: str

    def __str__(self) -> str:
        return f"{self.sign} {self.text}"


def title(change: Change) -> str:
    """Return who did what to which object: `alice changed Secret shop/db`."""
    return f"{who(change)} {verb(change)} {object_name(change.object)}"


def verb(change: Change) -> str:
    """Return what somebody did: `created`, `changed`, `rotated`, or `removed fields of`."""
    ways = {each.how for each in change.fields}
    if ways == {How.VERSION}:
        return "rotated"
    if ways == {How.REMOVED}:
        return "removed fields of"
    return "created" if change.operation == "CREATE" else "changed"


def object_name(about: ToldObject) -> str:
    """Return which object: `Secret shop/db`, `Certificate.cert-manager.io shop/web`, `ClusterIssuer.… ca`."""
    if not (about.kind or about.name):
        return "what its file does not name"
    kind = f"{about.kind}.{about.group}" if about.group else about.kind
    return told(f"{kind} {about.namespace}/{about.name}" if about.namespace else f"{kind} {about.name}")


def who(change: Change) -> str:
    """Return who made a change.

    Of a ServiceAccount it is what applies the object, if the object says so: `Flux, Kustomization flux-system/apps`.
    Anybody who may write the object may have written that. `requester` says as whom it came to the API server.
    """
    account = _account(change.requester)
    if account is None:
        return told(change.requester)
    if account.endswith(f"/{RECONCILER}"):
        return "Keyhole"
    return origin(change.origin) if change.origin is not None else told(f"ServiceAccount {account}")


def requester(change: Change) -> str:
    """Return as whom a change came to the API server: a user, or `ServiceAccount flux-system/kustomize-controller`."""
    account = _account(change.requester)
    return told(change.requester if account is None else f"ServiceAccount {account}")


def origin(of: ToldOrigin) -> str:
    """Return what applies an object, as the object says: `Argo CD, Application argocd/shop`."""
    tool = _TOOLS.get(of.tool, of.tool)
    return told(f"{tool} {of.namespace}/{of.name}" if of.namespace else f"{tool} {of.name}")


def diff(field: ChangedField) -> Sequence[DiffLine]:
    """Return the references of a field before and now, with their versions, as the lines of a diff."""
    now = field.field.references
    if field.how is How.REMOVED:
        # What the field has no longer: the line may tell it as what was before.
        now, before = (), field.field.before or now
    else:
        before = field.field.before or ()
    say = _text if field.field.done == WRITTEN else reference
    old, new = [say(each) for each in before], [say(each) for each in now]
    if field.how is How.TEXT:
        return [DiffLine(" ", text) for text in new]
    return [
        *(DiffLine("-", text) for text in old if text not in new),
        *(DiffLine("+", text) for text in new if text not in old),
        *(DiffLine(" ", text) for text in new if text in old),
    ]


def reference(of: ToldReference) -> str:
    """Return a reference with its version: `vault:secret/db#password (v3)`, or why there is none."""
    return f"{told(of.text)} ({_version(of)})"


def how(field: ChangedField) -> str:
    """Return how a field changed: `new`, `another reference`, `rotated in Vault: v3 → v4`, `removed`."""
    if field.how is not How.VERSION:
        return _HOW[field.how]
    return f"rotated in Vault: {', '.join(dict.fromkeys(_steps(field.field)))}"


def pointer(field: ChangedField) -> str:
    """Return where the field is in its object (JSON Pointer, RFC 6901), in words if a file does not say."""
    return told(field.field.pointer) or ("every field" if field.field.form == Form.FROM else "a field")


def requests(field: ChangedField) -> Sequence[str]:
    """Return the ids of the requests in which Vault gave the values, each once, as Vault's own audit log has them."""
    return [told(each) for each in dict.fromkeys(one.request_id for one in field.field.references) if each]


def commit(of: Attribution) -> str:
    """Return which commit wrote the reference: `a1b2c3d by Ada, "Use the new one" (exact)`, or why none is named."""
    found = of.commit
    if found is None:
        return f"commit unknown: {told(of.why)}" if of.why else "commit unknown"
    sure = of.certainty if of.certainty is Certainty.EXACT or not of.why else f"{of.certainty}: {told(of.why)}"
    return f'{told(found.id[:_SHORT_ID])} by {told(found.author)}, "{told(found.subject)}" ({sure})'


def place(of: Attribution) -> str:
    """Return where the reference stands: `shop: base/db.yaml:12`; empty if no commit is named."""
    found = of.commit
    if found is None:
        return ""
    file = f": {found.file}" if found.file else ""
    return told(f"{found.repository}{file}{f':{found.line}' if found.line else ''}")


def _account(name: str) -> str | None:
    """Return a ServiceAccount's NAMESPACE/NAME; None if a user is none."""
    namespace, separator, account = name.removeprefix(_SERVICE_ACCOUNT).partition(":")
    is_account = name.startswith(_SERVICE_ACCOUNT) and separator and ":" not in account
    return f"{namespace}/{account}" if is_account else None


def _text(of: ToldReference) -> str:
    return told(of.text)


def _version(of: ToldReference) -> str:
    if of.cause:
        return f"refused: {told(of.cause)}"
    return "no version" if of.version is None else f"v{of.version}"


def _steps(field: ToldField) -> Iterator[str]:
    """Yield from which version to which each reference went."""
    for before, now in zip(field.before or (), field.references, strict=False):
        if before.version != now.version:
            yield f"{_version(before)} → {_version(now)}"
