"""More than can be worked on: 429 at once, nobody else pays for it, and nothing that was accepted is lost."""

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.tenants import add_tenant
from tests.e2e.caller import Caller, Reply
from tests.e2e.lying_vault import LyingVault
from tests.e2e.objects import Manifest, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually

_OTHER = "e2e-beside"
_MOST = 8
# One namespace alone gets half of the places at work and half of the queue.
_AT_WORK = _QUEUED = _MOST // 2
_TRIES = 60
_LONG_SECONDS = 60.0
# Who is refused comes again soon, and at once in `make crowds`: that keeps the machine busy.
_IMPATIENT_SECONDS = float(os.environ.get("KEYHOLE_CROWD_PAUSE_SECONDS") or 0.05)
_RUNS = itertools.count()


class _Narrow:
    """Webhooks with one worker and few places: the tests share one, and whoever stops it has the next one start."""

    def __init__(self, start: Callable[[], Webhook], places: Places, tenant: str) -> None:
        self._start = start
        self._places = places
        self._tenant = tenant
        self._webhook: Webhook | None = None

    def caller(self) -> Caller:
        if self._webhook is None:
            self._webhook = self._start()
        return Caller(self._webhook, self._places, self._tenant)

    def stop(self) -> int | None:
        """Have the webhook stop, and return its exit code when it has."""
        assert self._webhook is not None
        stopped, self._webhook = self._webhook, None
        return stopped.server.wait(120)


@pytest.fixture(scope="module")
def webhooks(
    testbed: Testbed, places: Places, tenant: str, liar: LyingVault, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_Narrow]:
    add_tenant(testbed, _OTHER, ["secret/data/e2e/*"])
    arguments = ["--workers", "1", "--max-running", str(_MOST), "--max-waiting", str(_MOST), "--drain-seconds", "1"]
    with contextlib.ExitStack() as running:

        def start() -> Webhook:
            directory = tmp_path_factory.mktemp("narrow")
            file = write_connections(testbed, directory / "connections.yaml")
            known = yaml.safe_load(file.read_text())
            own = {"address": liar.url, "caFile": str(liar.ca_file), "timeoutSeconds": 30}
            known["connections"]["liar"] = {**known["connections"]["default"], **own}
            file.write_text(yaml.safe_dump(known))
            places.watch(directory / "keyhole.log")
            return running.enter_context(serving(testbed, directory, file, arguments=arguments))

        yield _Narrow(start, places, tenant)


@pytest.fixture
def narrow(webhooks: _Narrow) -> Caller:
    """Return somebody who asks a webhook with one worker and few places."""
    return webhooks.caller()


def _stalled(name: str) -> Manifest:
    return filled(name, password=f"vault+liar:secret/overload/{name}/gated#password")


def _told(liar: LyingVault) -> int:
    return len(liar.tokens_of("/overload/"))


class _Crowd:
    """Many requests of one namespace that stand before the liar's gate, or behind those that do."""

    def __init__(self, caller: Caller, liar: LyingVault, pool: ThreadPoolExecutor) -> None:
        self._caller = caller
        self._liar = liar
        self._pool = pool
        self.replies: list[Future[Reply]] = []
        # What the webhook has read for an earlier crowd it knows, and would not ask about.
        self._run = next(_RUNS)

    def ask(self, name: str, timeout_seconds: float = 30) -> Future[Reply]:
        stalled = _stalled(f"{name}-{self._run}")
        reply = self._pool.submit(self._caller.admit, stalled, timeout_seconds=timeout_seconds)
        self.replies.append(reply)
        return reply

    def fill(self) -> None:
        """Take all that the namespace gets, and see one more refused."""
        self.work()
        for number in range(_QUEUED + 1):
            self.ask(f"queued-{number}")
        done, _ = wait(self.replies, timeout=_LONG_SECONDS, return_when="FIRST_COMPLETED")
        assert [reply.result().code for reply in done] == [429]

    def work(self) -> list[Future[Reply]]:
        """Take all that the namespace gets at work, one by one: who comes with others may find the queue full."""
        before, asked = _told(self._liar), []
        for number in range(_AT_WORK):
            asked.append(self.ask(f"at-work-{number}"))
            eventually(lambda: _told(self._liar) - before == len(asked), "it is worked for")
        return asked


@pytest.fixture
def crowd(narrow: Caller, liar: LyingVault) -> Iterator[_Crowd]:
    liar.gate.close()
    try:
        with ThreadPoolExecutor(_MOST * 4) as pool:
            crowd = _Crowd(narrow, liar, pool)
            crowd.fill()
            yield crowd
            liar.gate.open()
    finally:
        liar.gate.open()


def test_past_its_places_a_namespace_is_refused_at_once_and_told_to_come_again(
    crowd: _Crowd, narrow: Caller, liar: LyingVault
) -> None:
    refused = narrow.admit(_stalled("refused"), timeout_seconds=30)
    assert refused.http_status == 200
    assert not refused.allowed
    assert refused.code == 429, refused.message
    assert refused.response["status"]["reason"] == "TooManyRequests"
    assert refused.message.startswith("Overloaded: Secret e2e/refused: ")
    assert refused.retry_after_seconds in {1, 2, 3}
    # It was at once: those before it still stand there.
    assert sum(not reply.done() for reply in crowd.replies) == _AT_WORK + _QUEUED
    assert liar.tokens_of("/refused/") == []


def test_nothing_that_was_accepted_is_lost_and_who_comes_again_succeeds(
    crowd: _Crowd, narrow: Caller, liar: LyingVault
) -> None:
    def patient(number: int) -> Reply:
        for _ in range(_TRIES):
            reply = narrow.admit(_stalled(f"patient-{number}"), timeout_seconds=30)
            if reply.allowed or reply.code != 429:
                return reply
            assert reply.retry_after_seconds
            time.sleep(reply.retry_after_seconds)
        return reply

    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(patient, number) for number in range(10)]
        eventually(lambda: not any(reply.done() for reply in waiting), "they come again")
        liar.gate.open()
        assert all(reply.result().allowed for reply in waiting)
    codes = [reply.result().response.get("status", {}).get("code", 200) for reply in crowd.replies]
    assert sorted(codes) == [200] * (_AT_WORK + _QUEUED) + [429]


def test_another_namespace_is_never_refused_while_the_first_is_again_and_again(
    crowd: _Crowd, narrow: Caller, plant: Planter
) -> None:
    plant.secret("beside-the-crowd")
    manifest = filled("beside", password="vault:secret/e2e/beside-the-crowd#password")
    over = threading.Event()

    def impatient() -> set[int]:
        codes = set()
        while not over.is_set():
            codes.add(narrow.admit(_stalled("impatient")).code)
            over.wait(_IMPATIENT_SECONDS)
        return codes

    with ThreadPoolExecutor(16) as pool:
        many = [pool.submit(impatient) for _ in range(16)]
        try:
            replies = [narrow.admit(manifest, namespace=_OTHER) for _ in range(40)]
        finally:
            over.set()
        assert {frozenset(codes.result()) for codes in many} == {frozenset({429})}
    assert [reply.message for reply in replies if not reply.allowed] == []


def test_another_namespace_finds_places_at_the_vault_that_stalls_the_first(
    crowd: _Crowd, narrow: Caller, liar: LyingVault
) -> None:
    reply = narrow.admit(filled("beside", password="vault+liar:secret/beside/honest#password"), namespace=_OTHER)
    assert reply.allowed, reply.message


def test_who_waits_past_the_deadline_is_answered_and_not_worked_for(
    crowd: _Crowd, narrow: Caller, liar: LyingVault
) -> None:
    liar.gate.open()
    wait(crowd.replies)
    liar.gate.close()
    at_work = crowd.work()
    # The answer is read for five seconds: it comes within them, or the read fails.
    late = narrow.admit(_stalled("late"), timeout_seconds=5)
    assert late.code == 429
    assert late.message.startswith("Overloaded: Secret e2e/late: its turn did not come in time")
    liar.gate.open()
    assert all(reply.result().allowed for reply in at_work)
    assert liar.tokens_of("/late/") == []


def test_a_server_that_stops_answers_everybody_in_its_queue(
    crowd: _Crowd, narrow: Caller, liar: LyingVault, webhooks: _Narrow
) -> None:
    os.kill(narrow.webhook.server.pid, signal.SIGTERM)
    time.sleep(2)  # past the drain
    liar.gate.open()
    replies = [reply.result() for reply in crowd.replies]
    assert [reply.code for reply in replies if not reply.allowed] == [429]
    assert webhooks.stop() == 0
