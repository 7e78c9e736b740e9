"""What ten minutes of the loop cost a Vault that denies, fails or is away. The minutes pass on a clock of our own."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from controller.errors import Interrupted
from controller.following import asking, questions
from controller.following.comparison import Answer, Asked
from controller.following.duty import WORKERS
from controller.following.memory import NamespaceMemory
from controller.following.pacing import pace
from controller.following.pacing.budget import Budget
from controller.following.pacing.outage import Outages
from controller.following.questions import Inquiry
from controller.following.unversioned import TooMuchAtOnce
from controller.telling.meters import FollowMeters
from metrics.meters import Meters
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.tenancy.token_cache import TokenCache
from resolver.vault.denials import DeniedForNow
from resolver.vault.errors import LoginDenied, SecretNotFound, VaultDenied
from resolver.vault.kv_versions import KvVersion
from resolver.versions import Versions
from tests.resolver.fake_server import answering, http
from tests.resolver.tenancy.test_token_cache import Minter
from tests.resolver.test_versions import DATA, METADATA, PLAIN, Vault, connection_to

_INTERVAL_SECONDS = 60.0
_SEALED = http("503 Service Unavailable", b'{"errors": ["Vault is sealed"]}')
_BROKEN = http("500 Internal Server Error", b'{"errors": ["plugin died"]}')
_WELL = http("200 OK", b"{}")


def _go_on() -> None:
    """Go on."""


class Rounds:
    """Rounds of some namespaces, each with paths of its own, and probes once a second."""

    def __init__(self, vault: Vault, versions: Versions, seed: int = 0) -> None:
        self.now = 1000.0
        self.vault = vault
        # The pace is the budget's own matter, and has its tests.
        budget = Budget(vault_per_second=100_000.0)
        self.outages = Outages(self._clock, random.Random(seed).uniform)
        self.inquiry = Inquiry(versions, budget, self.outages, FollowMeters(Meters.alone()), self._clock)
        self.values: list[SecretValue | None] = []
        self._memories: dict[str, NamespaceMemory] = {}

    def _clock(self) -> float:
        return self.now

    def round(self, namespace: str, count: int) -> dict[Asked, Answer]:
        """Ask for so many paths of a namespace."""
        memory = self._memories.setdefault(namespace, NamespaceMemory())
        references = [Reference(f"secret/{namespace}/{number}", "f") for number in range(count)]
        wanted = {Asked.about(reference): reference for reference in references}
        return self.inquiry.versions(namespace, wanted, memory, _go_on)

    def read(self, namespace: str, count: int, field: str = "f") -> tuple[dict[Asked, Answer], int]:
        """Ask for so many paths of a namespace on KV v1, and read them. Returns the answers, and how many have values.

        A reference that has no value there counts too.
        """
        memory = self._memories.setdefault(namespace, NamespaceMemory())
        references = [Reference(f"legacy/{namespace}/{number}", field) for number in range(count)]
        wanted = {Asked.about(reference): reference for reference in references}
        answers = self.inquiry.versions(namespace, wanted, memory, _go_on)
        unversioned = [one for asked, one in wanted.items() if answers.get(asked) == KvVersion(current=None)]
        values = self.inquiry.values(namespace, unversioned, memory, answers, _go_on)
        self.values = list(values.values())
        return answers, len(values)

    def minutes(self, count: int, **paths: int) -> list[dict[str, dict[Asked, Answer]]]:
        """Let minutes pass, with a round of each namespace in each; return the answers of each minute."""
        found = []
        for _ in range(count):
            found.append({namespace: self.round(namespace, number) for namespace, number in paths.items()})
            for _ in range(int(_INTERVAL_SECONDS)):
                self.now += 1.0
                self.inquiry.probe()
        return found

    def requests(self) -> Counter[str]:
        """Return what came since this was last called, by path."""
        found, self.vault.requests[:] = Counter(self.vault.requests), []
        return found


@contextmanager
def rounds_of(vault: Vault, seed: int = 0) -> Iterator[Rounds]:
    with (
        answering(vault) as (address, _),
        closing(Versions({"default": connection_to(address)}, TokenCache(Minter()))) as versions,
    ):
        yield Rounds(vault, versions, seed)


@pytest.fixture
def rounds() -> Iterator[Rounds]:
    with rounds_of(Vault()) as rounds:
        yield rounds


def allow(vault: Vault, namespace: str, numbers: range, branch: str = "metadata") -> None:
    answer = METADATA if branch == "metadata" else DATA
    vault.answers |= {f"secret/{branch}/{namespace}/{number}": answer for number in numbers}


def kinds(answers: dict[Asked, Answer]) -> Counter[type[Answer]]:
    return Counter(map(type, answers.values()))


@pytest.mark.parametrize("was_allowed", [False, True])
def test_ten_minutes_of_a_denied_namespace_cost_at_most_ten_requests(rounds: Rounds, *, was_allowed: bool) -> None:
    if was_allowed:
        allow(rounds.vault, "a", range(50))
        assert kinds(rounds.round("a", 50)) == {KvVersion: 50}
        rounds.vault.answers.clear()
        rounds.requests()
    found = rounds.minutes(10, a=50)
    assert {kind for minute in found for kind in kinds(minute["a"])} <= {VaultDenied, DeniedForNow}
    assert rounds.requests().total() <= 10
    allow(rounds.vault, "a", range(50))
    allow(rounds.vault, "a", range(50), "data")
    assert kinds(rounds.minutes(11, a=50)[-1]["a"]) == {KvVersion: 50}


def test_ten_minutes_of_a_refused_login_cost_at_most_ten_requests(rounds: Rounds) -> None:
    rounds.vault.may_log_in = False
    found = rounds.minutes(10, a=50)
    assert all(kinds(minute["a"]) == {LoginDenied: 50} for minute in found)
    assert rounds.requests().total() <= 10
    rounds.vault.may_log_in = True
    allow(rounds.vault, "a", range(50))
    allow(rounds.vault, "a", range(50), "data")
    assert kinds(rounds.minutes(11, a=50)[-1]["a"]) == {KvVersion: 50}


def test_a_denied_path_takes_nothing_from_the_others(rounds: Rounds) -> None:
    for branch in ("metadata", "data"):
        allow(rounds.vault, "a", range(1, 20), branch)
        allow(rounds.vault, "b", range(20), branch)
    found = rounds.minutes(10, a=20, b=20)
    # The denied path is the first one of its namespace, which therefore may be denied everything. A minute tells.
    assert [kinds(minute["a"]) for minute in found[1:]] == [{KvVersion: 19, VaultDenied: 1}] * 9
    assert [kinds(minute["b"]) for minute in found] == [{KvVersion: 20}] * 10
    requests = rounds.requests()
    assert {requests[f"secret/metadata/b/{number}"] for number in range(20)} == {10}
    assert sum(count for path, count in requests.items() if path.endswith("/a/0")) <= 10


def test_a_denied_path_takes_nothing_from_those_that_are_asked_about_after_it_in_the_same_round(rounds: Rounds) -> None:
    allow(rounds.vault, "a", range(5))
    allow(rounds.vault, "a", range(6, 10))
    memory, earlier = NamespaceMemory(), dict[Asked, Answer]()
    for part in (range(5), range(5, 7), range(7, 10)):
        references = [Reference(f"secret/a/{number}", "f") for number in part]
        wanted = {Asked.about(reference): reference for reference in references}
        earlier = rounds.inquiry.versions("a", wanted, memory, _go_on, earlier)
    assert kinds(earlier) == {KvVersion: 9, VaultDenied: 1}


def test_questions_end_at_once_when_the_work_must_stop_even_if_nobody_waits(rounds: Rounds) -> None:
    allow(rounds.vault, "a", range(50))
    left = iter(range(10))

    def go_on() -> None:
        if next(left, None) is None:
            raise Interrupted

    references = [Reference(f"secret/a/{number}", "f") for number in range(50)]
    wanted = {Asked.about(reference): reference for reference in references}
    with pytest.raises(Interrupted):
        rounds.inquiry.versions("a", wanted, NamespaceMemory(), go_on)
    assert rounds.requests().total() <= 10


def test_a_policy_without_metadata_costs_one_request_a_path_and_round(rounds: Rounds) -> None:
    allow(rounds.vault, "a", range(20), "data")
    found = rounds.minutes(10, a=20)
    assert [kinds(minute["a"]) for minute in found] == [{KvVersion: 20}] * 10
    requests = rounds.requests()
    assert sum(count for path, count in requests.items() if path.startswith("secret/data/")) == 200
    assert sum(count for path, count in requests.items() if path.startswith("secret/metadata/")) == 20


@pytest.mark.parametrize("answer", [pytest.param(_SEALED, id="sealed"), pytest.param(b"", id="hangs up")])
def test_ten_minutes_without_vault_cost_at_most_25_requests_and_then_all_is_asked_again(answer: bytes) -> None:
    # Few paths: afterwards the budget, which goes by a real clock, begins with one request a second.
    with rounds_of(Vault()) as rounds:
        for namespace in "ab":
            allow(rounds.vault, namespace, range(2))
        rounds.minutes(1, a=2, b=2)
        before, rounds.vault.answers = rounds.vault.answers, {"sys/health": answer}
        rounds.vault.otherwise = answer
        rounds.requests()
        found = rounds.minutes(10, a=2, b=2)
        assert not any(answers for minute in found for answers in minute.values())
        assert rounds.requests().total() <= 25
        rounds.vault.answers = before | {"sys/health": _WELL}
        found = rounds.minutes(2, a=2, b=2)
        assert [kinds(answers) for answers in found[-1].values()] == [{KvVersion: 2}] * 2


def test_paths_that_fail_in_a_healthy_vault_are_their_own_affair(rounds: Rounds) -> None:
    rounds.vault.answers["sys/health"] = _WELL
    rounds.vault.answers |= {f"secret/metadata/a/{number}": _BROKEN for number in range(3)}
    allow(rounds.vault, "a", range(3, 20))
    allow(rounds.vault, "b", range(20))
    found = rounds.minutes(10, a=20, b=20)
    assert [kinds(minute["b"]) for minute in found] == [{KvVersion: 20}] * 10
    assert [kinds(minute["a"]) for minute in found] == [{KvVersion: 17}] * 10


class TestKvV1:
    def test_a_path_is_read_once_a_round_and_a_missing_field_is_told_from_a_missing_path(self, rounds: Rounds) -> None:
        rounds.vault.answers |= {f"legacy/a/{number}": PLAIN for number in range(5)}
        assert rounds.read("a", 5)[1] == 5
        assert [value.reveal_text() for value in rounds.values if value is not None] == ["v"] * 5
        assert rounds.requests() == {"auth/jwt/login": 1} | {f"legacy/a/{number}": 1 for number in range(5)}
        assert rounds.read("a", 5, "other")[1] == 5
        assert rounds.values == [None] * 5
        rounds.vault.answers["legacy/a/4"] = http("404 Not Found", b'{"errors": []}')
        answers, read = rounds.read("a", 5)
        assert read == 4
        assert isinstance(answers[Asked("default", "legacy/a/4")], SecretNotFound)

    def test_a_denied_path_is_told_and_the_others_are_read(self, rounds: Rounds) -> None:
        rounds.vault.answers |= {f"legacy/a/{number}": PLAIN for number in range(19)}
        for _ in range(10):
            answers, read = rounds.read("a", 20)
            assert read == 19
            assert isinstance(answers[Asked("default", "legacy/a/19")], VaultDenied)
            rounds.now += _INTERVAL_SECONDS
        requests = rounds.requests()
        assert requests["legacy/a/0"] == 10
        assert requests["legacy/a/19"] == 4  # after 0, 1, 3 and 7 minutes

    def test_ten_minutes_of_a_denied_namespace_cost_at_most_ten_requests(self, rounds: Rounds) -> None:
        for _ in range(10):
            answers, read = rounds.read("a", 50)
            assert read == 0
            assert any(isinstance(answer, VaultDenied) for answer in answers.values())
            rounds.now += _INTERVAL_SECONDS
        assert rounds.requests().total() <= 10

    def test_ten_minutes_of_a_refused_login_cost_at_most_ten_requests(self, rounds: Rounds) -> None:
        rounds.vault.may_log_in = False
        for _ in range(10):
            assert rounds.read("a", 50)[1] == 0
            rounds.now += _INTERVAL_SECONDS
        assert rounds.requests().total() <= 10

    def test_an_outage_takes_no_further_question(self, rounds: Rounds) -> None:
        rounds.vault.otherwise = _SEALED
        assert rounds.read("a", 50) == ({Asked("default", f"legacy/a/{n}"): KvVersion(None) for n in range(50)}, 0)
        assert rounds.requests() == {"auth/jwt/login": 1, "legacy/a/0": 1, "sys/health": 1}

    def test_no_more_than_a_few_megabytes_are_held(self, rounds: Rounds) -> None:
        large = http("200 OK", b'{"data": {"f": "' + b"x" * 900_000 + b'"}}')
        rounds.vault.answers |= {f"legacy/a/{number}": large for number in range(50)}
        assert rounds.read("a", 4)[1] == 4
        with pytest.raises(TooMuchAtOnce):
            rounds.read("a", 50)
        assert rounds.requests().total() <= 1 + 4 + 5


def test_a_token_is_lent_for_no_more_questions_than_the_slowest_pace_allows_in_that_time() -> None:
    # Otherwise the later paths of a namespace would never be asked about.
    seconds = questions._AT_ONCE * WORKERS / pace._SLOWEST_PER_SECOND
    assert seconds <= asking._SECONDS / 2


def test_a_few_denied_paths_before_the_allowed_ones_delay_nothing(rounds: Rounds) -> None:
    for branch in ("metadata", "data"):
        allow(rounds.vault, "a", range(2, 5), branch)
    answers = rounds.round("a", 5)
    assert kinds(answers) == Counter({VaultDenied: 2, KvVersion: 3})
