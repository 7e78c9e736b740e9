"""How the repository of the manifests is guarded: what the forge demands before its branch changes."""

from typing import Literal

from enforcer.facts.base import Facts, NotKnown


class ForgeFacts(Facts):
    """The rules of a branch, as its forge enforces them. Each is not known if the forge or the token does not show it.

    `public` says that whoever likes can read the repository. `pull_request` says that a change arrives by a reviewed
    request only (GitLab: nobody may push). `approvals` is how many people have to approve it, `code_owners` whether an
    owner of the files has to be among them, and `stale_dismissed` whether approvals end with the next push.
    `force_push` and `deletion` say that history can be rewritten, and the branch be deleted. `bypass` are those who
    need not keep to the rules, in the forge's words.
    """

    forge: Literal["github", "gitlab"]
    repository: str
    branch: str
    public: bool | NotKnown
    pull_request: bool | NotKnown
    approvals: int | NotKnown
    code_owners: bool | NotKnown
    stale_dismissed: bool | NotKnown
    force_push: bool | NotKnown
    deletion: bool | NotKnown
    bypass: tuple[str, ...] | NotKnown
