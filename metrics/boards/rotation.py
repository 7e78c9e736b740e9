"""The board *Rotation and freshness*: whether new values in Vault arrive, and in time."""

from typing import Final

from metrics.admission_catalogue import FIELDS, VERIFICATION_FAILURES
from metrics.boards.asking import aggregated, of, one, or_nothing, per_second, quantile
from metrics.boards.panel import RUNBOOK, Board, Colour, Form, Panel, Query, Row, Unit
from metrics.boards.stats import DOUBT, TROUBLE, is_false, stat
from metrics.controller_catalogue import (
    FOLLOW_ASKED,
    FOLLOW_AWAY,
    FOLLOW_LAG,
    FOLLOW_NAMESPACES,
    FOLLOW_OBJECTS,
    FOLLOW_PATHS,
    FOLLOW_PROBLEMS,
    FOLLOW_REFRESHES,
    FOLLOW_RESTARTS,
    LEADER,
    ROTATION_FAILING,
    ROTATION_LEFT,
    ROTATION_SIGNED,
    ROTATION_STEP,
)
from metrics.variables_catalogue import (
    VARIABLES_NAMESPACES,
    VARIABLES_REFUSED,
    VARIABLES_SECRETS,
    VARIABLES_WAIT,
    VARIABLES_WAITING,
    VARIABLES_WATCHES,
)

_FAILING: Final = 'outcome=~"failed|unseen|kept"'

_WELL: Final = Row(
    "Do new values arrive?",
    (
        stat(
            "Lag",
            "How late the namespace is that has been due longest. Some seconds are normal, three intervals are not.",
            aggregated("max", of(FOLLOW_LAG)),
            unit=Unit.SECONDS,
            steps=((60, Colour.DOUBTFUL), (180, Colour.BAD)),
        ),
        stat(
            "Not refreshed",
            "How often in a second an object did not take the value that Vault has. Not those in which somebody else "
            "was faster.",
            per_second(FOLLOW_REFRESHES, matching=_FAILING),
            unit=Unit.PER_SECOND,
            steps=TROUBLE,
        ),
        stat(
            "Problems",
            "Objects that have not followed Vault for two rounds or more. `keyhole status -A` names them.",
            or_nothing(aggregated("sum", of(FOLLOW_PROBLEMS, 'cause!="restart-held"')), LEADER),
            steps=DOUBT,
        ),
        stat(
            "Held restarts",
            "Secrets whose workloads are not restarted, because another one does not become ready with its new value.",
            or_nothing(aggregated("sum", of(FOLLOW_PROBLEMS, 'cause="restart-held"')), LEADER),
            steps=TROUBLE,
        ),
        is_false(
            "Vault",
            "Whether the controller waits for a Vault that does not answer it.",
            or_nothing(aggregated("max", of(FOLLOW_AWAY)), LEADER),
            "answers",
            "away",
        ),
        stat(
            "Waiting pods",
            "New pods that do not start, because the Secret behind their variables is not there.",
            aggregated("max", of(VARIABLES_WAITING)),
            steps=TROUBLE,
        ),
        stat(
            "Unverified",
            "How often in a second an admission kept a value because Vault could not be asked. If that goes on, values "
            "grow old.",
            per_second(FIELDS, matching='result="unverified"'),
            unit=Unit.PER_SECOND,
            steps=DOUBT,
        ),
        stat(
            "Old records",
            "Records that the rotation of the record key could not sign again. The old key stays as long.",
            aggregated("max", of(ROTATION_LEFT)),
            steps=DOUBT,
        ),
    ),
)

_FOLLOWING: Final = Row(
    "Following Vault",
    (
        Panel(
            "Lag",
            "How late the namespace is that has been due longest. If it grows, there are more paths than the budget "
            "allows in an interval, or Vault or the API server is slow.",
            one(aggregated("max", of(FOLLOW_LAG), "cluster"), "lag {{cluster}}"),
            unit=Unit.SECONDS,
            steps=((180, Colour.BAD),),
        ),
        Panel(
            "Refreshes",
            "Attempts to have an object refreshed because Vault has another version. kept: the webhook could not "
            "verify a value. unseen: no webhook was asked.",
            one(per_second(FOLLOW_REFRESHES, "outcome"), "{{outcome}}"),
            unit=Unit.PER_SECOND,
            form=Form.AREAS,
        ),
        Panel(
            "Problems that last",
            "Objects that do not follow Vault, by the word for why. For those on call has what each means.",
            (
                Query(f"{aggregated('sum', of(FOLLOW_PROBLEMS), 'cause')} > 0", "{{cause}}"),
                Query(or_nothing(aggregated("sum", of(FOLLOW_PROBLEMS)), LEADER), "all"),
            ),
        ),
        Panel(
            "Questions to Vault",
            "Questions about one path each. missing: nothing is there, or its newest version is deleted.",
            one(per_second(FOLLOW_ASKED, "outcome"), "{{outcome}}"),
            unit=Unit.PER_SECOND,
            form=Form.AREAS,
        ),
        Panel(
            "What is followed",
            "Objects, the paths in Vault that they need, and their namespaces. A round asks about each path once.",
            (
                Query(aggregated("sum", of(FOLLOW_OBJECTS)), "objects"),
                Query(aggregated("sum", of(FOLLOW_PATHS)), "paths"),
                Query(aggregated("sum", of(FOLLOW_NAMESPACES)), "namespaces"),
            ),
        ),
        Panel(
            "Restarts",
            "Workloads that were looked at because a Secret of theirs changed. baseline: seen for the first time, and "
            "not restarted. held: another one does not become ready.",
            one(per_second(FOLLOW_RESTARTS, "outcome"), "{{outcome}}"),
            unit=Unit.PER_SECOND,
            form=Form.AREAS,
        ),
    ),
)

_FRESHNESS: Final = Row(
    "Values that are kept",
    (
        Panel(
            "Fields that keep a value, by how",
            "confirmed: Vault has the same. kept: nobody asked, it is fresh enough. unverified: Vault could not be "
            "asked.",
            one(per_second(FIELDS, "result", matching='result=~"confirmed|kept|unverified"'), "{{result}}"),
            unit=Unit.PER_SECOND,
            width=12,
        ),
        Panel(
            "Why values were not verified",
            "By the word for the cause. There is no line until the first one.",
            one(per_second(VERIFICATION_FAILURES, "cause"), "{{cause}}"),
            unit=Unit.PER_SECOND,
            width=12,
        ),
    ),
)

_VARIABLES: Final = Row(
    "Variables of workloads",
    (
        Panel(
            "How long pods wait for their Secret",
            "From when the controller saw the pod until the Secret behind its variables was there.",
            tuple(Query(quantile(share, VARIABLES_WAIT), f"{share * 100:g} %") for share in (0.5, 0.99)),
            unit=Unit.SECONDS,
        ),
        Panel(
            "Secrets behind variables",
            "What was done to them, and, by cause, the attempts that came to nothing.",
            (
                Query(per_second(VARIABLES_SECRETS, "outcome"), "{{outcome}}"),
                Query(f"{per_second(VARIABLES_REFUSED, 'cause')} > 0", "refused: {{cause}}"),
            ),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "Namespaces with variables",
            "Namespaces whose pods may use variables, and those of them that are watched. In the others pods are "
            "listed every ten seconds.",
            (
                Query(aggregated("max", of(VARIABLES_NAMESPACES)), "namespaces"),
                Query(aggregated("max", of(VARIABLES_WATCHES)), "watched"),
            ),
        ),
    ),
)

_KEY: Final = Row(
    "Rotation of the record key",
    (
        Panel(
            "Step",
            "1 for the step in which the rotation is. none: there has been no rotation.",
            one(aggregated("max", of(ROTATION_STEP), "step"), "{{step}}"),
            width=12,
        ),
        Panel(
            "Records",
            "Records that the rotation has signed again, those that are left, and namespaces in which it failed.",
            (
                Query(aggregated("max", of(ROTATION_SIGNED)), "signed"),
                Query(aggregated("max", of(ROTATION_LEFT)), "left"),
                Query(aggregated("max", of(ROTATION_FAILING)), "failing namespaces"),
            ),
            width=12,
        ),
    ),
)

ROTATION: Final = Board(
    "keyhole-rotation",
    "Keyhole: rotation and freshness",
    "When a secret changes in Vault, the controller has the objects refreshed that use it, and restarts the workloads "
    "that ask for it. **If the first row is green, new values arrive.** If it is not, `keyhole status -A` names the "
    f"objects. {RUNBOOK} has a section for each alert.",
    (_WELL, _FOLLOWING, _FRESHNESS, _VARIABLES, _KEY),
)
