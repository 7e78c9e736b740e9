"""The audit trail of Keyhole: whether its chains verify, and what it says of objects and references."""

from pydantic import AwareDatetime

from enforcer.facts.base import Facts


class Chain(Facts):
    """The lines of one process. `host` is the name of its pod, empty if the first line was not read.

    `head` is its furthest line, as `keyhole audit verify` prints it. `ended` says whether the process closed it.
    """

    name: str
    first: int
    last: int
    lines: int
    head: str
    ended: bool
    host: str = ""


class Problem(Facts):
    """What is wrong with the trail. `problem` is a word of `audit.findings`. What is missing has no file and line."""

    problem: str
    message: str
    chain: str = ""
    file: str = ""
    line: int = 0


class Admitted(Facts):
    """Who had an object admitted, and stored. `last` is when they did so last."""

    group: str
    kind: str
    namespace: str
    name: str
    requester: str
    last: AwareDatetime


class Used(Facts):
    """A reference for which an admission got a value. `last` is when that was last, in that namespace."""

    namespace: str
    reference: str
    last: AwareDatetime


class TrailFacts(Facts):
    """What the files of the trail say. Lines that do not verify count for nothing but `problems`.

    `since` and `until` are the times of the first and the last admission. `problems` has the first ones, and
    `problems_total` counts all. `heads` counts the heads of an earlier run that had to be found. `left_out` counts what
    `admitted` and `used` lack because there was too much of it; then nothing may be concluded from what they lack.
    """

    files: tuple[str, ...]
    lines: int
    chains: tuple[Chain, ...]
    problems: tuple[Problem, ...] = ()
    problems_total: int = 0
    heads: int = 0
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    admitted: tuple[Admitted, ...] = ()
    used: tuple[Used, ...] = ()
    left_out: int = 0
