"""The board *Keyhole*: whether references are answered, and whether all is there that this takes."""

from typing import Final

from metrics.admission_catalogue import ADMISSIONS, FIELDS, REFUSALS, RUNNING, WAITING
from metrics.boards.asking import aggregated, of, of_the_api_server, one, per_second, quantile, rate
from metrics.boards.grounds import GROUNDS, VAULT
from metrics.boards.panel import RUNBOOK, Board, Colour, Form, Panel, Query, Row, Unit
from metrics.boards.stats import TROUBLE, is_false, is_true, stat
from metrics.catalogue import BREAKER_OPEN, CERTIFICATE_EXPIRY, RECORD_KEY, WORKERS
from metrics.controller_catalogue import LEADER

OURS: Final = (
    *("VaultUnavailable", "KubernetesUnavailable", "KubernetesRefused", "DeadlineExceeded", "Overloaded"),
    *("RecordKeyUnavailable", "AuditUnavailable", "InternalError"),
)
"""The causes of refusals about which tenants can do nothing."""

_DAY: Final = 24 * 3600
_REFUSED: Final = of_the_api_server("apiserver_admission_webhook_rejection_count", 'name=~".*keyhole\\\\.dev"')
_UNREACHED: Final = of_the_api_server("aggregator_unavailable_apiservice", 'name="v1alpha1.admission.keyhole.dev"')

_WELL: Final = Row(
    "Is all well?",
    (
        is_false(
            "Reachable",
            "Whether the API server reaches Keyhole through its aggregation layer. If not, objects with references are "
            "refused. Empty if Keyhole is called in another way, or the API server is not scraped.",
            aggregated("max", _UNREACHED),
            "yes",
            "no",
        ),
        stat(
            "Workers",
            "Workers of the webhook that are alive. Without any, nothing with a reference is admitted.",
            aggregated("sum", of(WORKERS)),
            base=Colour.BAD,
            steps=((1, Colour.WELL),),
        ),
        stat(
            "Our failures",
            "Objects a second that were refused for what tenants cannot mend: Vault, the API server, the record key, "
            "the audit trail, too much load, or a bug. Refusals by cause, below, says which.",
            per_second(REFUSALS, matching=f'cause=~"{"|".join(OURS)}"'),
            unit=Unit.PER_SECOND,
            steps=TROUBLE,
        ),
        stat(
            "Answer time",
            "In this time 99 of 100 admissions are answered. The API server gives up after the webhook's timeout.",
            quantile(0.99, ADMISSIONS),
            unit=Unit.SECONDS,
            steps=((1, Colour.DOUBTFUL), (5, Colour.BAD)),
        ),
        is_false(
            "Vault",
            "Whether every Vault is asked. Away means that a worker no longer asks one of them, because it did not "
            "answer: new references are refused, and known values are kept.",
            aggregated("max", of(BREAKER_OPEN)),
            "asked",
            "away",
        ),
        is_true(
            "Record key",
            "Whether every worker knows the key that signs records. Without it nothing with a reference is admitted.",
            aggregated("min", of(RECORD_KEY)),
            "known",
            "missing",
        ),
        stat(
            "Certificate",
            "When the first certificate expires. It is renewed after two thirds of its life: a week is too late.",
            f"{aggregated('min', of(CERTIFICATE_EXPIRY))} - time()",
            unit=Unit.SECONDS,
            base=Colour.BAD,
            steps=((7 * _DAY, Colour.DOUBTFUL), (14 * _DAY, Colour.WELL)),
        ),
        stat(
            "Leaders",
            "In each installation one controller leads. Without it nobody makes keys, renews certificates or follows "
            "Vault. The least of the installations chosen above.",
            aggregated("min", aggregated("sum", of(LEADER), "cluster", "namespace")),
            base=Colour.BAD,
            steps=((1, Colour.WELL), (2, Colour.BAD)),
        ),
    ),
)

_ANSWERS: Final = Row(
    "Answers",
    (
        Panel(
            "Answers a second",
            "Admissions by how they ended. denied is for the tenants to mend; error is a bug; unavailable means that "
            "Vault, the API server or the record key was missing.",
            one(per_second(ADMISSIONS, "outcome"), "{{outcome}}"),
            unit=Unit.PER_SECOND,
            form=Form.AREAS,
        ),
        Panel(
            "How long answers take",
            "From reading the request to the answer, with any wait in the queue.",
            tuple(Query(quantile(share, ADMISSIONS), f"{share * 100:g} %") for share in (0.5, 0.9, 0.99)),
            unit=Unit.SECONDS,
        ),
        Panel(
            "Refusals by cause",
            "The word that the message begins with; docs/references.md has what each means. Only causes that occur.",
            (
                Query(f"{per_second(REFUSALS, 'cause')} > 0", "{{cause}}"),
                Query(per_second(REFUSALS), "all"),
            ),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "What became of fields",
            "resolved is a new value from Vault. unverified keeps a live value because Vault could not be asked: if it "
            "goes on, values grow old.",
            one(per_second(FIELDS, "result"), "{{result}}"),
            unit=Unit.PER_SECOND,
            form=Form.AREAS,
        ),
        Panel(
            "At work and waiting",
            "Admissions that workers are busy with, and that wait for their turn. If some wait for minutes, there is "
            "too little CPU, or there are too few replicas.",
            (Query(aggregated("sum", of(RUNNING)), "at work"), Query(aggregated("sum", of(WAITING)), "waiting")),
        ),
        Panel(
            "Refused, as the API server counts",
            "no_error is refused by Keyhole. calling_webhook_error means that the API server could not call it, so "
            "the objects were refused unseen. There is no line until the first one.",
            one(rate(_REFUSED, "error_type"), "{{error_type}}"),
            unit=Unit.PER_SECOND,
        ),
    ),
)

KEYHOLE: Final = Board(
    "keyhole",
    "Keyhole",
    "Keyhole puts values from Vault into objects as they are applied. **If the first row is green, references are "
    "answered.** If it is not, hold the pointer over the panel's *i*: it says what is refused meanwhile. "
    f"{RUNBOOK} has a section for each alert.",
    (_WELL, _ANSWERS, VAULT, GROUNDS),
)
