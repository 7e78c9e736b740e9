"""Many namespaces, each with its own identity, and what serving all of them costs in memory."""

import base64
import http.client
import json
import os
import ssl
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from testbed import Options, Testbed
from testbed.keyhole.connections import AUDIENCE, write_connections
from testbed.keyhole.identities import WEBHOOK_USER
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.objects import apply
from testbed.servers.authorization import wait_until_allowed
from tests.e2e.canary import Canary
from tests.e2e.objects import encoded, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import both_workers, connections_of, eventually, workers
from tests.e2e.traffic import Traffic

# `make nightly` asks for a thousand.
NAMESPACES = [f"many-{number:04}" for number in range(int(os.environ.get("KEYHOLE_NAMESPACES") or 50))]
# 220 MB for a thousand.
MOST_PSS_MEGABYTES = 180 + 0.04 * len(NAMESPACES)
WORKERS = 2
CONNECTIONS_EACH = 3
ROLE = "many"
_REFERENCE = "vault:secret/e2e/many#password"
_MOST_CONNECTION_TRIES = 200
_MEGABYTE = 1000 * 1000
_RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a testbed of its own: what many namespaces leave in logs would slow the searches of other tests."""
    with Testbed(Options(directory=tmp_path_factory.mktemp("many").resolve())) as bed:
        yield bed


@pytest.fixture(scope="module")
def places(canary: Canary, bed: Testbed) -> Places:
    """Return what is searched for the canary after the test."""
    places = Places(canary)
    for file in (bed.kubernetes.audit_log, bed.kubernetes.log_file, bed.vault.audit_log, bed.vault.log_file):
        places.watch(file)
    return places


@dataclass(frozen=True)
class Measured:
    """What was seen of a webhook that served every namespace at every worker and was stopped then."""

    fresh_megabytes: float
    warm_megabytes: float
    token_requests: int
    logins: int
    reads: int
    tokens_left: int


@pytest.fixture(scope="module")
def measured(bed: Testbed, canary: Canary, places: Places, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    _let_in(bed)
    _make_namespaces(bed)
    value = Planter(bed, canary).secret("many")["password"]
    directory = tmp_path_factory.mktemp("webhook-of-many")
    authentication = {"method": "jwt", "role": ROLE, "audience": AUDIENCE}
    connections = write_connections(bed, directory / "connections.yaml", auth=authentication)
    places.watch(directory / "keyhole.log")
    tokens_before = _tokens_alive(bed)
    traffic = Traffic(bed)
    with serving(
        bed, directory, connections, arguments=("--workers", str(WORKERS), "--grace-seconds", "100")
    ) as webhook:
        fresh = _pss_megabytes(webhook)
        _admit_everywhere(webhook, value)
        warm = _pss_megabytes(webhook)
        told = f"PSS of master and {WORKERS} workers: {fresh:.0f} MB, with {len(NAMESPACES)} namespaces {warm:.0f} MB"
        print(f"\n{told}")  # noqa: T201 - a measurement
        counts = traffic.token_requests(), len(traffic.logins()), len(traffic.reads())
    return Measured(fresh, warm, *counts, tokens_left=_tokens_alive(bed) - tokens_before)


def test_memory_stays_below_the_limit(measured: Measured) -> None:
    assert measured.fresh_megabytes < measured.warm_megabytes < MOST_PSS_MEGABYTES


def test_each_worker_logs_each_namespace_in_once(measured: Measured) -> None:
    everywhere = WORKERS * len(NAMESPACES)
    assert (measured.token_requests, measured.logins, measured.reads) == (everywhere, everywhere, everywhere)


def test_no_token_outlives_the_workers(measured: Measured) -> None:
    assert measured.tokens_left == 0


def _let_in(bed: Testbed) -> None:
    """Make one policy and one role in Vault for all the namespaces, and one ClusterRole for their RoleBindings."""
    mint = {
        "apiGroups": [""],
        "resources": ["serviceaccounts/token"],
        "resourceNames": ["keyhole"],
        "verbs": ["create"],
    }
    apply(
        bed,
        {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "keyhole-mint"}, "rules": [mint]},
    )
    vault = bed.vault.client()
    vault.sys.create_or_update_policy(ROLE, 'path "secret/data/e2e/*" { capabilities = ["read"] }')
    vault.auth.jwt.create_role(
        ROLE,
        user_claim="sub",
        allowed_redirect_uris=[],
        role_type="jwt",
        bound_audiences=[AUDIENCE],
        bound_claims_type="glob",
        bound_claims={"sub": "system:serviceaccount:many-*:keyhole"},
        token_policies=[ROLE],
        token_ttl="30m",
    )


def _make_namespaces(bed: Testbed) -> None:
    """Make every namespace with its label, its ServiceAccount and the right to mint its tokens."""
    binding = {
        "metadata": {"name": "keyhole-mint"},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "keyhole-mint"},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": WEBHOOK_USER}],
    }

    def make(namespaces: Sequence[str]) -> None:
        def post(path: str, body: dict[str, Any]) -> None:
            bed.kubernetes.request("POST", path, body).raise_for_status()

        for name in namespaces:
            labels = {"keyhole.dev/enabled": "true"}
            post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
            post(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "keyhole"}})
            post(f"/apis/{_RBAC}/v1/namespaces/{name}/rolebindings", binding)
        # The API server learns of its RoleBindings in their order.
        last = namespaces[-1]
        wait_until_allowed(bed, WEBHOOK_USER, "create", "serviceaccounts/token", name="keyhole", namespace=last)

    _in_threads([partial(make, part) for part in _parts(NAMESPACES, 4)])


def _admit_everywhere(webhook: Webhook, value: str) -> None:
    """Have each worker admit an object in each namespace."""
    pool = _connections_by_worker(webhook)
    jobs: list[Callable[[], None]] = []
    for connections in pool.values():
        parts = _parts(NAMESPACES, len(connections))
        jobs += [
            partial(_admit_all, connection, part, value) for connection, part in zip(connections, parts, strict=True)
        ]
    try:
        _in_threads(jobs)
    finally:
        for connections in pool.values():
            for connection in connections:
                connection.close()


def _connections_by_worker(webhook: Webhook) -> dict[int, list[http.client.HTTPSConnection]]:
    """Connect until every worker has taken as many connections as are wanted; each stays with its worker."""
    url = urlsplit(webhook.url)
    context = ssl.create_default_context(cafile=str(webhook.ca_file))
    found: dict[int, list[http.client.HTTPSConnection]] = {worker: [] for worker in both_workers(webhook)}
    assert url.hostname is not None
    assert url.port is not None
    for _ in range(_MOST_CONNECTION_TRIES):
        connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=60, context=context)
        connection.connect()
        own = found[_worker_of(connection.sock.getsockname()[1], url.port, found)]
        if len(own) < CONNECTIONS_EACH:
            own.append(connection)
        else:
            connection.close()
        if all(len(connections) == CONNECTIONS_EACH for connections in found.values()):
            return found
    pytest.fail("one of the workers takes no connections")


def _worker_of(client_port: int, server_port: int, candidates: dict[int, Any]) -> int:
    """Return the process that holds the server's end of a connection."""
    found: list[int] = []

    def is_seen() -> bool:
        found.extend(worker for worker in candidates if client_port in connections_of(worker, server_port))
        return bool(found)

    eventually(is_seen, "a worker holds the connection")
    return found[0]


def _admit_all(connection: http.client.HTTPSConnection, namespaces: Sequence[str], value: str) -> None:
    wanted = {"op": "add", "path": "/data/password", "value": encoded(value)}
    for namespace in namespaces:
        response = _asked(connection, namespace)
        assert response["allowed"], response["status"]
        assert wanted in json.loads(base64.b64decode(response["patch"]))


def _asked(connection: http.client.HTTPSConnection, namespace: str) -> dict[str, Any]:
    request = {
        "uid": str(uuid.uuid4()),
        "kind": {"group": "", "version": "v1", "kind": "Secret"},
        "namespace": namespace,
        "name": "many",
        "operation": "CREATE",
        "userInfo": {"username": "admin", "groups": ["system:masters", "system:authenticated"]},
        "dryRun": False,
        "object": filled("many", password=_REFERENCE),
    }
    body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
    connection.request("POST", "/mutate?timeout=30s", body, {"Content-Type": "application/json"})
    response: dict[str, Any] = json.loads(connection.getresponse().read())["response"]
    return response


def _pss_megabytes(webhook: Webhook) -> float:
    """Return the sum of the proportional set sizes of master and workers, in units of 10^6 bytes."""
    kibibytes = 0
    for process in (webhook.server.pid, *workers(webhook)):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        kibibytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kibibytes * 1024 / _MEGABYTE


def _tokens_alive(bed: Testbed) -> int:
    """Return how many tokens Vault knows, the root token included."""
    accessors: list[str] = bed.vault.client().auth.token.list_accessors()["data"]["keys"]
    return len(accessors)


def _parts(names: Sequence[str], count: int) -> list[Sequence[str]]:
    return [names[number::count] for number in range(count)]


def _in_threads(jobs: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(job) for job in jobs]:
            future.result()
