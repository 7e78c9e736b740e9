"""Whole secrets in an admission: every field of a path is known once Vault has answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from manifests.fields.problem import Problem
from manifests.fields.scan import Form
from manifests.fields.whole import WholePath
from manifests.planning.expansion import Expansion, expanded
from manifests.planning.plan import Plan
from manifests.planning.planned_field import PlannedField
from manifests.planning.whole import ORIGIN, WholePlan
from resolver.errors import DeadlineExceeded, ResolverError
from resolver.opening import Opened
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Outcome, Resolved
from webhook.admission.outcomes import of_whole_secrets, problem_of
from webhook.model import Fate, FieldOutcome


def needed(whole: WholePlan | None, asked: Iterable[PlannedField], *, dry_run: bool) -> list[Reference]:
    """Return the references to the whole secrets if they have to be read.

    That is so if the plan cannot know all of their fields, or if one of those that it knows is to be asked about.
    """
    if whole is None or dry_run:
        return []
    if whole.is_settled and not any(each.wanted.form is Form.FROM for each in asked):
        return []
    return list(map(_of_all, whole.paths))


@dataclass(frozen=True, slots=True)
class Answered:
    """A plan once Vault has answered about whole secrets, with the outcomes of paths that no field speaks for."""

    plan: Plan
    of_paths: Sequence[FieldOutcome] = field(default=())


def answered(plan: Plan, found: dict[Reference, Outcome]) -> Answered:
    """Plan the fields that Vault has, and put what it said about each of them into `found`."""
    whole = plan.whole
    if whole is None or not any(_of_all(path) in found for path in whole.paths):
        return Answered(plan)
    expansion = expanded(plan, whole, {path: _content(found.get(_of_all(path))) for path in whole.paths})
    fields = [each.wanted for each in expansion.plan.fields if each.wanted.form is Form.FROM]
    silent: dict[WholePath, Outcome | None] = {}
    warnings = list(expansion.plan.warnings)
    for path in whole.paths:
        error = expansion.failed.get(path)
        outcome = error or found.get(_of_all(path))
        keys = [wanted.key for wanted in fields if wanted.text == str(path.reference(wanted.key))]
        for key in keys:
            found[path.reference(key)] = _of_field(outcome, key)
        if not keys or path in whole.required:
            silent[path] = outcome
        if error is not None and not keys and path not in whole.required:
            warnings.append(f"{ORIGIN}, {path}: not read: {error.cause}: {error.message}")
    return Answered(replace(expansion.plan, warnings=warnings), _of_paths(plan, whole, expansion, silent))


def _of_paths(
    plan: Plan, whole: WholePlan, expansion: Expansion, silent: Mapping[WholePath, Outcome | None]
) -> list[FieldOutcome]:
    problems = [
        problem_of(f"{ORIGIN}, {path}", error) for path, error in expansion.failed.items() if path in whole.required
    ]
    references = {_of_all(path): outcome for path, outcome in silent.items() if problems or path not in whole.required}
    if not references:
        return []
    fate = Fate.REFUSED if problems else Fate.NOTHING
    return [of_whole_secrets(plan, fate, references, _once(problems))]


def _once(problems: Iterable[Problem]) -> list[Problem]:
    """Leave out what is said about each path alike."""
    return list({problem.message: problem for problem in problems}.values())


def _of_all(path: WholePath) -> Reference:
    return path.reference("")


def _content(outcome: Outcome | None) -> Mapping[str, SecretValue] | ResolverError:
    match outcome:
        case Opened():
            return outcome.fields
        case ResolverError():
            return outcome
        case _:
            return DeadlineExceeded()


def _of_field(outcome: Outcome | None, key: str) -> Outcome:
    if isinstance(outcome, Opened):
        return Resolved(outcome.fields[key], outcome.version, outcome.request_id)
    return outcome or DeadlineExceeded()
