"""From text to policies: Vault's HCL, its JSON, and the `vault_policy` resources of Terraform.

What Vault would refuse is refused here, with the reason. Sources: Vault, *Policies* (policy syntax); the Terraform
provider's resource `vault_policy`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from resolver.references.characters import visible
from review.policies.policy import CAPABILITIES, DENY, Policy, Rule
from review.sources.stream import read_text
from review.sources.text import NotChecked, Place, Text

MOST_CHARACTERS: Final = 256 * 1024
"""The longest text that is read as HCL. Its parser reads about 70,000 characters a second."""
Look: TypeAlias = Callable[[str], Text | str]
"""Returns the text of a file that Terraform reads, by its name beside the file that says so; or why there is none."""
_LONGEST_NAME: Final = 253
_CONDITIONS: Final = frozenset(
    {"required_parameters", "min_wrapping_ttl", "max_wrapping_ttl", "mfa_methods", "control_group"}
)
_OTHERS: Final = frozenset({"comment", "allowed_parameters", "denied_parameters", "subscribe_event_types"})
# The form before capabilities, which Vault still takes.
_OLD: Final[Mapping[str, frozenset[str]]] = {
    "deny": frozenset({DENY}),
    "read": frozenset({"read", "list"}),
    "write": frozenset({"create", "read", "update", "delete", "list"}),
    "sudo": frozenset({"create", "read", "update", "delete", "list", "sudo"}),
}


class NotAPolicy(ValueError):
    """A text that is no policy, or one that cannot be read here. Says where and why."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


def policy(text: Text, name: str) -> Policy:
    """Read a policy as Vault has it: HCL, or JSON. Raises `NotAPolicy`."""
    if text.content.lstrip().startswith("{"):
        return _from_json(text, name)
    from review.policies import hcl  # noqa: PLC0415 - the parser takes a tenth of a second to import

    return hcl.policy(text, name)


def terraform(text: Text, look: Look) -> Iterator[Policy | NotChecked]:
    """Yield the policies that a Terraform file makes, as far as they stand in it or in a file beside it.

    Raises `NotAPolicy`.
    """
    if "vault_policy" in text.content:  # most files are about something else, and the parser is slow
        from review.policies import hcl  # noqa: PLC0415 - as above

        yield from hcl.terraform(text, look)


def rule(path: str, attributes: Mapping[str, Any], place: Place) -> Rule:
    """Return the rule of a path with these attributes, which are texts and lists of texts as far as they matter.

    Raises `NotAPolicy` for what Vault refuses.
    """
    for name in attributes:
        if name not in _CONDITIONS | _OTHERS | {"capabilities", "policy"}:
            raise NotAPolicy(place, f"path {shown(path)}: {shown(name)} is no attribute of a path")
    if "+*" in path:
        raise NotAPolicy(place, f"path {shown(path)}: Vault refuses +*")
    granted = _texts(attributes.get("capabilities", ()), path, place)
    if "policy" in attributes:
        old = attributes["policy"]
        if not isinstance(old, str) or old not in _OLD:
            raise NotAPolicy(place, f"path {shown(path)}: policy is none of {', '.join(_OLD)}")
        granted = frozenset({DENY}) if old == DENY else granted | _OLD[old]
    if granted - CAPABILITIES:
        raise NotAPolicy(place, f"path {shown(path)}: a capability is none of {', '.join(sorted(CAPABILITIES))}")
    return Rule(path.removeprefix("/"), granted, place, _CONDITIONS.intersection(attributes))


def shown(text: str) -> str:
    """Return somebody's text as a message can have it: on one line, and bounded."""
    return visible(text, _LONGEST_NAME)


def _texts(value: object, path: str, place: Place) -> frozenset[str]:
    if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(item, str) for item in value):
        return frozenset(value)
    raise NotAPolicy(place, f"path {shown(path)}: capabilities are no list of texts")


def _from_json(text: Text, name: str) -> Policy:
    documents = list(read_text(text))
    for document in documents:
        if isinstance(document, NotChecked):
            raise NotAPolicy(document.place, document.reason)
        for _, place in document.keys_twice():
            # Vault takes both, and a `deny` in either counts.
            raise NotAPolicy(place, "a key stands twice in its map")
    document = documents[0]
    if len(documents) != 1 or isinstance(document, NotChecked) or not isinstance(document.content, dict):
        raise NotAPolicy(Place(text.file), "it is no JSON object with `path`")
    paths = document.content.get("path")
    if not document.content.keys() <= {"path", "name"} or not isinstance(paths, dict | list):
        raise NotAPolicy(Place(text.file), "it is no JSON object with `path`")
    rules = []
    # A list of objects is the same as one object: HCL's decoder merges them.
    for number, part in enumerate(paths if isinstance(paths, list) else [paths]):
        at = ("path", number) if isinstance(paths, list) else ("path",)
        for path, attributes in part.items() if isinstance(part, dict) else [("", None)]:
            place = document.place((*at, path))
            if not isinstance(attributes, dict):
                raise NotAPolicy(place, "a path is no JSON object")
            rules.append(rule(path, attributes, place))
    return Policy(name, rules, Place(text.file))
