"""review: nothing reaches the branch that is deployed without a review by those who own the files."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.forge import ForgeFacts
from enforcer.facts.git import CodeOwners
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.standard import Parameters, Standard
from resolver.references.characters import visible
from review.findings.finding import ObjectName
from review.findings.report import counted
from review.findings.rule import Rule, Severity
from review.sources.text import Place

_GIT: Final = ObjectName("keyhole", "Git", "", "CODEOWNERS")
_MOST_NAMED: Final = 5
_LONGEST: Final = 300
_Fact: TypeAlias = bool | NotKnown
_DEMAND: Final = "Whoever changes a reference needs the approval of others, and of an owner of the file."
_RULE: Final = Rule(
    "review",
    "review",
    Severity.ERROR,
    "References can reach the branch that is deployed without a review by those who own them.",
    "Whoever may write a reference gets the secret that it names, as far as the namespace may read it.",
    "Set the rules of the branch at the forge, and give every file with references an owner in CODEOWNERS.",
)


class Review(Parameters):
    """What the standards file may set."""

    approvals: int = Field(default=1, ge=0, description="How many people have to approve a change, at least.")
    code_owners: bool = Field(
        default=True,
        description="Whether an owner of a file has to approve, and each file with references has one.",
    )
    stale_dismissed: bool = Field(default=True, description="Whether approvals have to end with the next push.")
    private: bool = Field(default=True, description="Whether the repository must not be readable by everybody.")
    may_bypass: tuple[str, ...] = Field(
        default=(),
        description="Who may go round the rules, as the forge names them, with * for any text: `app release-*`.",
    )


def judge(inventory: Inventory, parameters: Review) -> Iterator[Answer]:
    """Judge the rules of the branch, and whom CODEOWNERS names."""
    if isinstance(inventory.forge, NotKnown):
        yield section_not_known("forge", inventory.forge)
    else:
        yield from _Branch(inventory.forge, parameters).answers()
    if parameters.code_owners:
        if isinstance(inventory.git, NotKnown):
            yield section_not_known("git", inventory.git)
        else:
            yield from _owned(inventory.git.owners)
        yield from _errors(inventory.forge)


STANDARD: Final = Standard(_RULE, Review, judge, _DEMAND)


def _shown(text: str) -> str:
    """Return what the forge or somebody at it wrote as it can be shown."""
    return visible(text, _LONGEST)


class _Branch:
    """The rules of one branch, each against what is demanded."""

    def __init__(self, facts: ForgeFacts, parameters: Review) -> None:
        self._facts = facts
        self._parameters = parameters
        self._about = ObjectName("forge", "Repository", "", _shown(facts.repository))
        self._branch = f"branch {_shown(facts.branch)}"

    def answers(self) -> Iterator[Answer]:
        """Yield an answer for each demand."""
        facts, wanted = self._facts, self._parameters
        yield self._flag(facts.pull_request, "pull request", "can be changed without a pull request", bad=False)
        yield self._approvals()
        if wanted.approvals:
            yield self._flag(facts.self_approval, "self approval", "takes the author's own approval", bad=True)
        if wanted.code_owners:
            message = "can be changed without the approval of a code owner"
            yield self._flag(facts.code_owners, "code owners", message, bad=False)
        if wanted.stale_dismissed:
            message = "keeps the approvals of a change when more is pushed to it"
            yield self._flag(facts.stale_dismissed, "stale approvals", message, bad=False)
        yield self._flag(facts.force_push, "force push", "can be overwritten by a force push", bad=True)
        yield self._flag(facts.deletion, "deletion", "can be deleted", bad=True)
        yield self._bypass()
        if wanted.private:
            yield self._flag(facts.public, "visibility", "is of a repository that everybody can read", bad=True)

    def _flag(self, fact: _Fact, what: str, message: str, *, bad: bool) -> Answer:
        if isinstance(fact, NotKnown):
            return NotChecked(self._about, f"{what}: {_shown(fact.not_known)}")
        return self._found(what, message) if fact is bad else Held(self._about)

    def _found(self, what: str, message: str) -> Answer:
        return found(_RULE, self._about, f"{self._branch} {message}", pointer=what)

    def _approvals(self) -> Answer:
        count, wanted = self._facts.approvals, self._parameters.approvals
        if self._facts.approvals_seen >= wanted or (not isinstance(count, NotKnown) and count >= wanted):
            return Held(self._about)
        if isinstance(count, NotKnown):
            return NotChecked(self._about, f"approvals: {_shown(count.not_known)}")
        has = f"can be changed with {counted(count, 'approval')}"
        return self._found("approvals", f"{has}, and the standard demands {wanted}")

    def _bypass(self) -> Answer:
        bypass = self._facts.bypass
        if isinstance(bypass, NotKnown):
            return NotChecked(self._about, f"bypass: {_shown(bypass.not_known)}")
        allowed = self._parameters.may_bypass
        others = [one for one in bypass if not any(fnmatchcase(one, pattern) for pattern in allowed)]
        if not others:
            unseen = self._facts.bypass_unseen
            return NotChecked(self._about, f"bypass: {_shown(unseen)}") if unseen else Held(self._about)
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        names = ", ".join(map(_shown, others[:_MOST_NAMED]))
        return self._found("bypass", f"has rules that some need not keep to: {names}{more}")


def _errors(forge: ForgeFacts | NotKnown) -> Iterator[Answer]:
    """Yield what the forge itself says of CODEOWNERS, if it is one that says so."""
    if isinstance(forge, NotKnown) or forge.owner_errors is None:
        return
    about = ObjectName("forge", "Repository", "", _shown(forge.repository))
    if isinstance(forge.owner_errors, NotKnown):
        yield NotChecked(about, f"owners: {_shown(forge.owner_errors.not_known)}")
        return
    for error in forge.owner_errors:
        message = f"line {error.line} of CODEOWNERS cannot be used, says the forge: {_shown(error.kind)}"
        yield found(_RULE, about, message, pointer=f"CODEOWNERS line {error.line}")
    if not forge.owner_errors:
        yield Held(about)


def _owned(owners: CodeOwners | NotKnown | None) -> Iterator[Answer]:
    if isinstance(owners, NotKnown):
        yield NotChecked(_GIT, owners.not_known)
        return
    if owners is None:
        message = "the work tree has no CODEOWNERS, so nobody in particular is asked about references"
        yield found(_RULE, _GIT, message, pointer="missing")
        return
    for line in owners.malformed:
        message = "it names an owner who is neither @USER, @ORGANISATION/TEAM nor an address of mail"
        yield found(_RULE, _GIT, message, pointer=f"line {line}", place=Place(owners.file, line, 1, line, 1))
    for file in owners.files:
        about = ObjectName("keyhole", "File", "", _shown(file.file))
        if file.owned:
            yield Held(about)
        else:
            message = "the file has references, and nobody in CODEOWNERS is asked when they change"
            yield found(_RULE, about, message, pointer="owner", place=Place(file.file))
    for one in owners.not_read:
        yield NotChecked(_GIT, f"{one.place.file}:{one.place.line}: {one.reason}")
