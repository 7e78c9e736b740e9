"""Carries out the plan of one object: asks Vault about the fields that need it, as the namespace's identity.

A field that needs a new value may cause a refusal. A field whose live value is proved never does: if Vault cannot
verify the value, for whatever reason, the value stays and the answer carries a warning.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from kube.access import SECRETS, Subject
from kube.errors import KubernetesError, KubernetesUnavailable
from manifests import annotations
from manifests.fields.problem import Problem
from manifests.fields.scan import Form
from manifests.kinds.codec import Codec
from manifests.planning.plan import Plan
from manifests.planning.planned_field import Action, PlannedField
from manifests.provenance.evidence import sends_record
from manifests.provenance.mac import Provenance
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, TemporaryError
from resolver.references.characters import named
from resolver.references.grammar import Reference
from resolver.resolve import Outcome
from resolver.vault.http import Limit
from runtime.logs import frames
from webhook.admission.asked import OptIn, References, Rights
from webhook.admission.outcomes import SHOWN, THE_OBJECT, FieldFiller, left_bytes, removed, untouched
from webhook.admission.refusal import edge_problem
from webhook.admission.whole import answered, needed
from webhook.model import AdmissionRequest, Fate, FieldOutcome

log = logging.getLogger("keyhole.admission")

# Every call below keeps to the deadline. Whatever does not is ended this much later.
GRACE_SECONDS = 0.1
_KUBERNETES_SECONDS = 5.0
# A value that stays anyway is not worth a longer wait.
_VERIFY_SECONDS = 3.0
_VERIFY_SHARE = 0.5
# No request takes longer than this. A value that is sent with a valid record after that time is a backup, and so is one
# whose record the client sent.
_REINVOCATION_SECONDS = 30.0
# One MAC and a number each: a few megabytes.
_MOST_REMEMBERED = 20_000


class Denied(Exception):
    """The namespace or the requester may not have what the object asks for. `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Freshness:
    """When Vault last said each value. Values are known by the MACs of their record entries, which are unique.

    It is kept in the memory of one worker, never in an object. Threads may share it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._confirmed: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def is_fresh(self, mac: str, within_seconds: float) -> bool:
        """Return whether Vault said the value within so many seconds."""
        confirmed = self._confirmed.get(mac)
        return confirmed is not None and self._clock() - confirmed < within_seconds

    def confirm(self, mac: str) -> None:
        """Remember that Vault says this value now."""
        with self._lock:
            self._remember(mac, self._clock())

    def carry_over(self, mac: str, successor: str) -> None:
        """Give the entry that was signed anew for the same value the age of the old one."""
        with self._lock:
            confirmed = self._confirmed.get(mac)
            if confirmed is not None:
                self._remember(successor, confirmed)

    def _remember(self, mac: str, confirmed: float) -> None:
        self._confirmed[mac] = confirmed
        self._confirmed.move_to_end(mac)
        if len(self._confirmed) > _MOST_REMEMBERED:
            self._confirmed.popitem(last=False)


class PlanExecutor:
    """Carries out plans. Threads may share it."""

    def __init__(self, references: References, namespaces: OptIn, rights: Rights, limit: Limit) -> None:
        self._references = references
        self._namespaces = namespaces
        self._rights = rights
        self._limit = limit
        self._freshness = Freshness()

    def execute(
        self,
        request: AdmissionRequest,
        plan: Plan,
        provenance: Provenance | None,
        deadline: Deadline,
        found: dict[Reference, Outcome],
    ) -> tuple[Plan, list[FieldOutcome]]:
        """Ask Vault about the fields that need it, and return what becomes of each field, removed ones last.

        The plan that comes back has the fields of whole secrets too.
        What Vault says is put into `found`, so that it is known even if the work ends before there are outcomes.
        Raises `Denied`, or the errors of `kube` and `TemporaryError` if that cannot be asked.
        """
        asked = [field for field in plan.fields if self._must_ask(field, request)]
        is_needed = any(field.action is Action.RESOLVE for field in asked)
        is_needed |= any(field.action in SHOWN for field in plan.fields)
        is_needed |= plan.whole is not None and bool(plan.whole.required)
        secrets = needed(plan.whole, asked, dry_run=request.dry_run) if plan.whole is not None else []
        references = dict.fromkeys([*secrets, *_references(asked, but_of_whole_secrets=bool(secrets))])
        if plan.problems and not is_needed:
            # The object is refused in any case, and no field needs a new value: there is nothing to ask.
            return plan, untouched(plan, found)
        unverified: Problem | None = None
        if is_needed:
            self._check_may_have(request, plan.codec, deadline)
            found.update(self._resolve(request, references, deadline))
        elif references:
            unverified = self._verify(request, plan.codec, references, deadline, found)
        of_paths: Sequence[FieldOutcome] = ()
        if secrets:
            after = answered(plan, found)
            plan, of_paths = after.plan, after.of_paths
        room_bytes = left_bytes(plan, request.manifest)
        filler = FieldFiller(provenance, found, request.dry_run, unverified, room_bytes)
        asked_keys = {field.wanted.key for field in asked}
        asked_keys |= {field.wanted.key for field in plan.fields if secrets and field.wanted.form is Form.FROM}
        outcomes = [filler.outcome(field, is_asked=field.wanted.key in asked_keys) for field in plan.fields]
        for outcome in outcomes:
            self._remember(outcome)
        return plan, [*outcomes, *of_paths, *removed(plan)]

    def check_comparison(self, request: AdmissionRequest, plan: Plan, deadline: Deadline) -> None:
        """Raise `Denied` if the requester may not be told what the plan says.

        Both the answer and every warning would tell a requester who may write but not read whether a guess at the live
        value is right.
        """
        if plan.compares and not request.is_shown_anyway:
            self._check_may_read(request, plan.codec, deadline)

    def _remember(self, outcome: FieldOutcome) -> None:
        """Remember what Vault confirmed; an entry that was signed anew is as old as the one before."""
        entry = outcome.entry
        if entry is None or outcome.field is None:
            return
        if outcome.fate in {Fate.RESOLVED, Fate.CONFIRMED}:
            self._freshness.confirm(entry.mac)
        elif outcome.field.entry is not None and entry is not outcome.field.entry:
            self._freshness.carry_over(outcome.field.entry.mac, entry.mac)

    def _must_ask(self, field: PlannedField, request: AdmissionRequest) -> bool:
        """Return whether Vault has to be asked about a field."""
        if field.action not in {Action.VERIFY, Action.RESOLVE}:
            return False
        if field.entry is None:
            return True
        if annotations.REFRESH in request.annotations:
            return True
        within = self._references.refresh_seconds(field.wanted.template.references)
        if field.action is Action.RESOLVE:
            if sends_record(request.manifest):
                return True
            within = min(within, _REINVOCATION_SECONDS)
        return not self._freshness.is_fresh(field.entry.mac, within)

    def _check_may_have(self, request: AdmissionRequest, codec: Codec, deadline: Deadline) -> None:
        """Raise `Denied` if the namespace or the requester may not have what the object asks for."""
        if not self._namespaces.is_enabled(request.namespace, deadline.at_most_seconds(_KUBERNETES_SECONDS)):
            message = "has references, but the namespace has not opted in; label it with keyhole.dev/enabled=true"
            raise Denied(Problem(THE_OBJECT, message, Cause.NAMESPACE_NOT_ENABLED))
        self._check_may_read(request, codec, deadline)

    def _check_may_read(self, request: AdmissionRequest, codec: Codec, deadline: Deadline) -> None:
        """Raise `Denied` if the requester may not read the object.

        Whoever has values put into an object of another kind has to be allowed to read the namespace's Secrets as well.
        """
        who = request.requester
        subject = Subject(who.username, who.uid, who.groups, who.extra)
        resource = (codec.group, codec.resource)
        seconds = deadline.at_most_seconds(_KUBERNETES_SECONDS)
        if not self._rights.may_get(subject, request.namespace, request.name, seconds, resource):
            what, missing = f"this {codec.kind}", ".".join(filter(None, (codec.resource, codec.group)))
        elif resource != SECRETS and not self._rights.may_get(
            subject, request.namespace, "", deadline.at_most_seconds(_KUBERNETES_SECONDS)
        ):
            what, missing = "the Secrets of the namespace", "secrets"
        else:
            return
        requester = named(who.username) if who.username else "an unknown user"
        told = "it" if resource == SECRETS else f"a {codec.kind}"
        message = (
            f"{requester} may not get {what}, so Keyhole neither fills {told} for them nor lets them replace what it "
            f"filled; grant them the verb get on {missing} in the namespace"
        )
        raise Denied(Problem(THE_OBJECT, message, Cause.REQUESTER_MAY_NOT_READ))

    def _resolve(
        self, request: AdmissionRequest, references: Collection[Reference], deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        return self._references.resolve(references, request.namespace, deadline) if references else {}

    def _verify(
        self,
        request: AdmissionRequest,
        codec: Codec,
        references: Collection[Reference],
        deadline: Deadline,
        found: dict[Reference, Outcome],
    ) -> Problem | None:
        """Ask Vault about values that stay in any case. The problem says why that could not be done, if so."""
        seconds = min(_VERIFY_SECONDS, deadline.remaining_seconds() * _VERIFY_SHARE)
        sooner = Deadline.after(seconds)
        try:
            with self._limit(seconds + GRACE_SECONDS):
                self._check_may_have(request, codec, sooner)
                found.update(self._resolve(request, references, sooner))
        except Denied as denied:
            return denied.problem
        except TimeoutError:
            return edge_problem(request, DeadlineExceeded())
        except (KubernetesUnavailable, KubernetesError, TemporaryError) as error:
            return edge_problem(request, error)
        except Exception as error:  # noqa: BLE001 - not even a bug of ours takes away a value that is proved
            log.error("bug in admission %s: %s at %s", request.uid, type(error).__name__, frames(error))  # noqa: TRY400
            problem = f"a bug in Keyhole; its log has it under {request.uid}"
            return Problem(THE_OBJECT, problem, Cause.INTERNAL_ERROR, temporary=True)
        return None


def _references(asked: Iterable[PlannedField], *, but_of_whole_secrets: bool) -> Iterator[Reference]:
    for field in asked:
        if not but_of_whole_secrets or field.wanted.form is not Form.FROM:
            yield from field.wanted.template.references
