"""Pods' logs, from a small server that speaks the contract of `pods/log`: the testbed has no kubelet behind its own.

Source: Kubernetes API reference, *Pod*, "read log of the specified Pod".
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes import client

from changes import answers
from changes.index.index import Index, Taken, silent
from changes.sources.logs import SELECTOR, PodLogs
from changes.sources.source import NotRead
from tests.changes import sample
from tests.changes.index import indexed

STORY = list(sample.lines(sample.story()))


@dataclass
class Cluster:
    """What the server has: the log of each (pod, container, whether it is that of the one before), and its refusals."""

    logs: dict[tuple[str, str, bool], list[bytes]] = field(default_factory=dict)
    restarted: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        what = "log" if path.endswith("/log") else "pods"
        if what in self.statuses:
            return self.statuses[what], b'{"kind":"Status","message":"canary-5f0c1e"}'
        if what == "pods":
            assert query["labelSelector"] == SELECTOR
            return 200, json.dumps(
                {"items": [self._pod(name) for name in sorted({key[0] for key in self.logs})]}
            ).encode()
        self.asked.append(query)
        pod = path.split("/")[-2]
        found = self.logs.get((pod, query["container"], query.get("previous") == "true"))
        if pod in self.gone:
            return 404, b"{}"
        if found is None:
            return 400, b"{}"
        since = datetime.fromisoformat(query["sinceTime"]) if "sinceTime" in query else None
        stamped = [(_time(number), line) for number, line in enumerate(found)]
        return 200, b"".join(
            f"{time:%Y-%m-%dT%H:%M:%S}.123456789Z ".encode() + line
            for time, line in stamped
            if not since or time >= since
        )

    def _pod(self, name: str) -> dict[str, object]:
        names = sorted({key[1] for key in self.logs if key[0] == name})
        restarts = 1 if name in self.restarted else 0
        statuses = [{"name": each, "restartCount": restarts, "state": {"running": {}}} for each in names]
        return {"metadata": {"name": name}, "status": {"containerStatuses": statuses}}


def _time(number: int) -> datetime:
    return datetime(2026, 11, 2, 8, tzinfo=UTC) + timedelta(seconds=10 * number)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def api(cluster: Cluster) -> Iterator[client.ApiClient]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = cluster.answer(parts.path, {name: each[0] for name, each in parse_qs(parts.query).items()})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{server.server_port}"
    configuration.retries = False
    made = client.ApiClient(configuration)
    yield made
    made.close()  # type: ignore[no-untyped-call]
    server.shutdown()
    thread.join()
    server.server_close()


def _take(api: client.ApiClient, index: Index) -> Taken:
    return PodLogs(api, "keyhole").take(index, silent)


def test_all_pods_and_containers_are_read_and_only_what_is_new_the_next_time(
    api: client.ApiClient, cluster: Cluster, tmp_path: Path
) -> None:
    other = list(sample.lines(sample.story(), f"{2:032x}"))
    cluster.logs = {("webhook-0", "webhook", False): STORY[:9], ("webhook-1", "webhook", False): other}
    index = Index(tmp_path / "index")
    assert _take(api, index) == Taken(new=9 + len(other))
    cluster.logs["webhook-0", "webhook", False] = STORY
    index.close()
    again = Index(tmp_path / "index")
    # Of the second up to which it was read, the line comes again.
    assert _take(api, again) == Taken(new=len(STORY) - 9, known=2)
    assert [each.get("sinceTime") for each in cluster.asked[2:]] == ["2026-11-02T08:01:20Z", "2026-11-02T08:03:20Z"]
    assert {each.missing for each in answers.state(again.database).chains} == {0}


def test_the_log_before_a_restart_is_read_too(api: client.ApiClient, cluster: Cluster) -> None:
    cluster.logs = {("webhook-0", "webhook", True): STORY[:9], ("webhook-0", "webhook", False): STORY[9:]}
    cluster.restarted = {"webhook-0"}
    index = Index()
    assert _take(api, index).new == len(STORY)
    assert indexed.told(index) == indexed.told(indexed.of_story())


def test_a_log_before_a_restart_that_is_no_longer_there_is_no_error(api: client.ApiClient, cluster: Cluster) -> None:
    cluster.logs = {("webhook-0", "webhook", False): STORY}
    cluster.restarted = {"webhook-0"}
    assert _take(api, Index()).new == len(STORY)


def test_a_pod_that_is_gone_meanwhile_keeps_no_other_one_back(api: client.ApiClient, cluster: Cluster) -> None:
    cluster.logs = {("webhook-0", "webhook", False): STORY, ("webhook-1", "webhook", False): STORY}
    cluster.gone = {"webhook-0"}
    assert _take(api, Index()).new == len(STORY)


@pytest.mark.parametrize(
    ("what", "status", "told"),
    [
        ("pods", 403, "you need a role with `list` on `pods` in the namespace keyhole"),
        ("log", 403, "you need a role with `get` on `pods/log` in the namespace keyhole"),
        ("log", 500, "does it reach the kubelet of the pod's node?"),
        ("pods", 503, "could not answer (status 503)"),
    ],
)
def test_what_is_refused_is_said_with_what_to_do(
    api: client.ApiClient, cluster: Cluster, what: str, status: int, told: str
) -> None:
    cluster.logs = {("webhook-0", "webhook", False): STORY}
    cluster.statuses = {what: status}
    with pytest.raises(NotRead) as error:
        _take(api, Index())
    assert told in error.value.problem
    assert sample.CANARY not in str(error.value)


def test_a_namespace_without_the_webhook_says_so(api: client.ApiClient) -> None:
    with pytest.raises(NotRead, match="no pod in the namespace keyhole has the labels"):
        _take(api, Index())
