"""What the references of one object may take: work, memory, turns; and that each JSON text is read once for all."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from resolver.budget import (
    MOST_ANSWERS_BYTES,
    MOST_VALUES_BYTES,
    AnswersTooLarge,
    Budget,
    NoRoom,
    Process,
    TooMuchWork,
    ValuesTooLarge,
)
from resolver.connections.model import Authentication, Connection
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError
from resolver.references import jsontext
from resolver.references.errors import FunctionError
from resolver.references.evaluation import Evaluation, evaluate, in_order
from resolver.references.grammar import Reference, parse_reference
from resolver.references.value import SecretValue
from resolver.resolve import Resolved, Resolver
from resolver.tenancy.static_token import StaticToken
from tests.resolver.fake_server import answering

_MIB = 1024 * 1024


@dataclass
class _Others:
    """What the object shares the process with: how often it let others go on, and how much memory it has."""

    rests: int = 0
    held_bytes: int = 0
    most_bytes: int = 1024 * _MIB
    largest_bytes: int = 0
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        self.process = Process(self._rest, self._take, self._give)

    def budget(self) -> Budget:
        return Budget("team-a", Deadline.after(60), self.process)

    def _rest(self, namespace: str, deadline: Deadline) -> None:
        assert namespace == "team-a"
        self.rests += 1

    def _take(self, namespace: str, size_bytes: int) -> None:
        if self.held_bytes + size_bytes > self.most_bytes:
            raise NoRoom
        self.held_bytes += size_bytes
        self.largest_bytes = max(self.largest_bytes, self.held_bytes)

    def _give(self, namespace: str, size_bytes: int) -> None:
        self.held_bytes -= size_bytes


def _references(chains: Iterable[str]) -> list[Reference]:
    return sorted((parse_reference(f"vault:secret/app#x | {chain}") for chain in chains), key=in_order)


def _outcomes(budget: Budget, chains: Iterable[str], value: bytes) -> list[bytes | ResolverError]:
    """Evaluate references to one field, in the resolver's order."""
    evaluation = Evaluation.within(budget)
    found: list[bytes | ResolverError] = []
    for reference in _references(chains):
        try:
            found.append(evaluate(reference, SecretValue(value), evaluation, "secret/app#x").reveal())
        except ResolverError as error:
            found.append(error)
    return found


@pytest.fixture
def texts_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the JSON texts that are read from now on."""
    sizes: list[int] = []
    parse = jsontext.parse

    def counted(text: bytes | str) -> jsontext.JsonValue:
        sizes.append(len(text))
        return parse(text)

    monkeypatch.setattr(jsontext, "parse", counted)
    return sizes


def test_a_text_is_read_once_for_all_who_name_its_members(texts_read: list[int]) -> None:
    others = _Others()
    document = json.dumps([str(number) for number in range(90_000)]).encode()
    found = _outcomes(others.budget(), [f"json:/{number} | base64" for number in range(1000)], document)
    assert len(set(found)) == 1000
    assert all(isinstance(each, bytes) for each in found)
    assert texts_read == [len(document)]


def test_a_text_within_a_text_is_read_once_each(texts_read: list[int]) -> None:
    inner = [json.dumps({"a": number, "b": number + 1}) for number in range(100)]
    document = json.dumps({"inner": inner}).encode()
    chains = [f"json:/inner/{number} | json:/{name}" for number in range(100) for name in "ab"]
    found = _outcomes(_Others().budget(), chains, document)
    assert sorted(map(int, (each for each in found if isinstance(each, bytes)))) == sorted(
        [*range(100), *range(1, 101)]
    )
    assert len(texts_read) == 101


def test_what_cannot_be_read_is_tried_once(texts_read: list[int]) -> None:
    found = _outcomes(_Others().budget(), [f"json:/{number}" for number in range(1000)], b"[" + b"0," * 450_000 + b"0]")
    assert all(isinstance(each, FunctionError) for each in found)
    assert len(texts_read) == 1


@pytest.mark.parametrize(
    ("chains", "value"),
    [
        pytest.param(
            [f"default:{number} | json:/0" for number in range(1000)],
            b"[" + b"0," * 90_000 + b"0]",
            id="texts that are told apart by what does nothing to them",
        ),
        pytest.param(
            ["indent:0 | " * 7 + f"default:{number}" for number in range(1000)],
            b"\n123456789" * 50_000,
            id="line breaks",
        ),
        pytest.param([f"urlencode | sha256 | default:{number}" for number in range(1000)], b"x" * _MIB, id="escapes"),
        pytest.param(
            [f"json:/a | sha256 | default:{number}" for number in range(1000)],
            b'{"a":[' + b"0," * 90_000 + b"0]}",
            id="a large member that is written again and again",
        ),
    ],
)
def test_work_is_refused_once_it_is_too_much_and_others_go_on_meanwhile(chains: list[str], value: bytes) -> None:
    others = _Others()
    found = _outcomes(others.budget(), chains, value)
    done = sum(isinstance(each, bytes) for each in found)
    assert 0 < done < 100
    assert all(isinstance(each, TooMuchWork) for each in found[done:])
    assert others.rests >= done // 2
    # Counted and not measured: the same again, whatever the machine is doing.
    assert sum(isinstance(each, bytes) for each in _outcomes(others.budget(), chains, value)) == done


def test_a_thousand_ordinary_references_are_done_at_few_stretches() -> None:
    others = _Others()
    document = json.dumps({f"key{number}": "x" * 40 for number in range(50)}).encode()
    found = _outcomes(
        others.budget(), [f"json:/key{number % 50} | default:{number}" for number in range(1000)], document
    )
    assert all(isinstance(each, bytes) for each in found)
    assert others.rests <= 5


def test_memory_is_given_back_at_the_end_and_held_by_few_texts_before() -> None:
    others = _Others()
    budget = others.budget()
    budget.read(3 * _MIB)
    _outcomes(budget, [f"default:{number} | json:/0" for number in range(8)], b"[" + b"0," * 50_000 + b"0]")
    assert 3 * _MIB < others.held_bytes <= others.largest_bytes < 64 * _MIB
    budget.close()
    assert others.held_bytes == 0
    # Who still reads for it.
    with pytest.raises(DeadlineExceeded):
        budget.read(1)
    assert others.held_bytes == 0


def test_without_room_it_may_work_later() -> None:
    budget = _Others(most_bytes=_MIB).budget()
    budget.read(_MIB)
    with pytest.raises(NoRoom, match="a retry will work"):
        budget.read(1)


def test_texts_that_are_held_make_room_for_the_next_one() -> None:
    document = b"[" + b"0," * 50_000 + b"0]"
    _, size_bytes = jsontext.cost(document)
    chains = [f"default:{number} | json:/0" for number in range(8)]
    # Nobody else takes any room: what is refused now would be refused for ever.
    others = _Others(most_bytes=2 * size_bytes)
    assert _outcomes(others.budget(), chains, document) == [b"0"] * 8
    assert others.largest_bytes == 2 * size_bytes
    found = _outcomes(_Others(most_bytes=size_bytes - 1).budget(), chains, document)
    assert {type(each) for each in found} == {NoRoom}


def test_answers_and_values_are_bounded_in_sum() -> None:
    budget = _Others().budget()
    for _ in range(8):
        budget.read(MOST_ANSWERS_BYTES // 8)
    with pytest.raises(AnswersTooLarge):
        budget.read(1)
    for _ in range(1000):
        budget.value(MOST_VALUES_BYTES // 1000)
    with pytest.raises(ValuesTooLarge):
        budget.value(1000)


def test_vaults_answers_are_bounded_together_as_they_arrive() -> None:
    data = {"data": {"d": "x", "large": "x" * 900_000}, "metadata": {"version": 1}}
    body = json.dumps({"request_id": "r", "data": data}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    others = _Others()
    with answering(lambda client, _: client.sendall(answer)) as (address, _):
        auth = Authentication(method="jwt", role="r")
        connection = Connection(address=address, auth=auth, mounts={"secret": 2})
        resolver = Resolver({"default": connection}, StaticToken(SecretValue("t")), process=others.process)
        references = [parse_reference(f"vault:secret/app-{number % 12}#d | default:{number}") for number in range(100)]
        outcomes = resolver.resolve(references, "team-a", Deadline.after(60))
        resolver.close()
    assert list(outcomes) == references
    assert {type(outcome) for outcome in outcomes.values()} == {Resolved, AnswersTooLarge}
    assert others.held_bytes == 0
