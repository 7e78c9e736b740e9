"""A standard: what is demanded, and the judge that says whether it is met."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer
from review.findings.rule import Rule


class Parameters(BaseModel):
    """What the standards file may set for a standard. Every field has a default and a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


@dataclass(frozen=True, slots=True)
class Standard:
    """`rule` names it: `rule.id` is the name in the standards file, such as `records-proved`.

    `judge` gives an answer for each thing that it looks at, in an order that does not change from night to night. A
    section that is not known gives one `NotChecked` with its reason. It never raises for what is in the facts.

    `demand` is what is true where the standard is held, in a sentence: reports say it of what is held and of what is
    not. The rule's summary says what a finding means.
    """

    rule: Rule
    parameters: type[Parameters]
    judge: Callable[[Inventory, Any], Iterable[Answer]]
    demand: str
