"""What workers know of each other."""

import os

from webhook.server.ready_workers import ReadyWorkers


def test_a_worker_sees_whether_another_is_ready() -> None:
    workers = ReadyWorkers()
    workers.tell(1, is_ready=True)
    assert (workers.is_another(0), workers.is_another(1)) == (True, False)
    workers.tell(1, is_ready=False)
    assert not workers.is_another(0)


def test_what_a_forked_process_tells_is_seen_by_all() -> None:
    workers = ReadyWorkers()
    child = os.fork()
    if child == 0:
        workers.tell(3, is_ready=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert workers.is_another(0)
