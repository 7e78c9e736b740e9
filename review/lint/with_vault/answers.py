"""What was learned from Vault about the references of a tree. No value is in any of it, and no free text of anybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from review.lint.judges.connection import Location

Fields: TypeAlias = "Mapping[str, Fields | None]"
"""Names of fields, and below each that is a JSON object its members."""


@dataclass(frozen=True, slots=True)
class Held:
    """The version is there and can be read. It has these fields."""

    fields: Fields


@dataclass(frozen=True, slots=True)
class Gone:
    """The version was there. `how` is deleted or destroyed; `newest` is the newest version, None if unknown."""

    how: str
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such secret, or no such version of it; `why` is a sentence about the path or the version."""

    why: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing was learned, and why. `is_away` says that Vault was not there, or that nobody could log in to it."""

    reason: str
    is_away: bool = False


Answer: TypeAlias = Held | Gone | Missing | NoAnswer


@dataclass(frozen=True, slots=True)
class Secret:
    """What Vault says about one path.

    `location` is where it is; None if no reference to it can ever work.
    `versions` has the answer for each version that a reference names, None standing for the newest; `newest` is the
    number of that one, None if nobody asked.
    """

    location: Location | None
    versions: Mapping[int | None, Answer]
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyText:
    """The policy of a namespace; without a text there is none of this name."""

    name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was learned: of secrets by connection and path, of policies by connection and namespace."""

    secrets: Mapping[tuple[str, str], Secret | NoAnswer]
    policies: Mapping[tuple[str, str], PolicyText | NoAnswer]

    @property
    def lack_vault(self) -> bool:
        """Whether anything was not learned because Vault was not there."""
        answers: list[object] = [*self.secrets.values(), *self.policies.values()]
        for secret in self.secrets.values():
            answers += secret.versions.values() if isinstance(secret, Secret) else []
        return any(isinstance(each, NoAnswer) and each.is_away for each in answers)
