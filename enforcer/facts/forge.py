"""How the repository of the manifests is guarded: what the forge demands before its branch changes."""

from typing import Literal

from enforcer.facts.base import Facts, NotKnown


class OwnerError(Facts):
    """A line of CODEOWNERS that the forge cannot use, and what is wrong with it in the forge's words."""

    line: int
    kind: str


class ForgeFacts(Facts):
    """The rules of a branch, as its forge enforces them. Each is not known if the forge or the token does not show it.

    `public` says that whoever likes can read the repository. `pull_request` says that a change arrives by a reviewed
    request only, from everybody but those in `bypass`. `approvals` is how many people have to approve it; if that is
    not known, `approvals_seen` is how many are demanded in any case. `code_owners` says that an owner of the files has
    to be among them, `self_approval` that the author may be, and `stale_dismissed` that approvals end with the next
    push.
    `force_push` and `deletion` say that history can be rewritten, and the branch be deleted. `bypass` are those who
    need not keep to the rules, in the forge's words, and `bypass_unseen` says why there may be others beside them.
    `owner_errors` are None where the forge has no such question.
    """

    forge: Literal["github", "gitlab"]
    repository: str
    branch: str
    public: bool | NotKnown
    pull_request: bool | NotKnown
    approvals: int | NotKnown
    approvals_seen: int = 0
    code_owners: bool | NotKnown
    stale_dismissed: bool | NotKnown
    self_approval: bool | NotKnown
    force_push: bool | NotKnown
    deletion: bool | NotKnown
    bypass: tuple[str, ...] | NotKnown
    bypass_unseen: str = ""
    owner_errors: tuple[OwnerError, ...] | NotKnown | None = None
