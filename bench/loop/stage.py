"""What stands while the loop is measured: the tenants and their Secrets, filled by the real webhook."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.errors import BenchError
from bench.loop.settings import BESIDE_NAMESPACE, BESIDE_PATH, SHARED_NAMESPACE, SHARED_PATH, Settings, path_of
from bench.stage import api_endpoint
from provisioning import bundle
from provisioning.tenant import tenant
from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.connections import AUDIENCE, write_connections
from testbed.keyhole.identities import CONTROLLER, WEBHOOK, WEBHOOK_USER
from testbed.keyhole.installation import controlling
from testbed.keyhole.objects import apply
from testbed.load.wire import Endpoint
from testbed.servers.authorization import wait_until_allowed
from testbed.servers.supervision import Server
from testbed.servers.vault_gate import VaultGate

_THREADS = 8
# One for all of them: what is measured does not depend on how many policies Vault has.
ROLE = "loop"
_ANY_NAMESPACE = "namespace-to-be-named"
_FIELDS = ("password", "username", "url")


@dataclass(frozen=True, slots=True)
class LoopStage:
    """Everything but the controller is up, and every Secret is filled. The controller asks Vault through `gate`."""

    bed: Testbed
    settings: Settings
    endpoint: Endpoint
    gate: VaultGate
    folder: Path

    @contextlib.contextmanager
    def controller(self, name: str) -> Iterator[Server]:
        """Run a controller that follows, until the block ends; `name` is that of its log."""
        through = {"address": self.gate.url, "caFile": str(self.gate.ca_file)}
        connections = _connections(
            self.bed, self.folder / "controller.yaml", self.settings, **through, timeoutSeconds=2
        )
        budgets = (
            *("--vault-requests-per-second", str(self.settings.vault_requests_per_second)),
            *("--patches-per-second", str(self.settings.patches_per_second)),
        )
        arguments = ("--connections", str(connections), *budgets)
        with controlling(self.bed, self.folder, name=name, arguments=arguments) as server:
            yield server

    def change(self, paths: Sequence[str], value: str) -> None:
        """Write a new value to each of the paths."""
        fill(self.bed, paths, value)


@contextlib.contextmanager
def staged(bed: Testbed, settings: Settings, advance: Callable[[str], None]) -> Iterator[LoopStage]:
    """Set everything up on a testbed that is up. `advance` is told what comes next. Raises BenchError."""
    folder = bed.directory / "loop"
    folder.mkdir()
    namespaces = [*settings.names, SHARED_NAMESPACE, BESIDE_NAMESPACE]
    advance(f"{len(namespaces):,} tenants")
    let_in(bed)
    in_threads(namespaces, partial(add_tenants, bed))
    advance(f"{len(settings.all_paths):,} paths in Vault")
    fill(bed, [*settings.all_paths, SHARED_PATH, BESIDE_PATH], "first")
    connections = _connections(bed, folder / "webhook.yaml", settings)
    gate = VaultGate(folder / "gate", bed.vault.port, bed.vault.ca_file)
    with gate, serving_aggregated(bed, folder, connections) as webhook, aggregated(bed, webhook):
        advance(f"{settings.objects_each * len(settings.names) + settings.shared:,} Secrets")
        in_threads(namespaces, partial(_create_secrets, bed, settings))
        yield LoopStage(bed, settings, api_endpoint(bed, folder), gate, folder)


def fill(bed: Testbed, paths: Sequence[str], value: str) -> None:
    """Write each of the paths in Vault; which field holds what follows from the value."""

    def write(part: Sequence[str]) -> None:
        kv = bed.vault.client().secrets.kv.v2
        for path in part:
            kv.create_or_update_secret(path, {field: value_of(path, field, value) for field in _FIELDS})

    in_threads(paths, write)


def value_of(path: str, field: str, value: str) -> str:
    """Return what a field of a path holds when the path was filled with that value."""
    return f"{value}-{field}-of-{path}"


def _connections(bed: Testbed, file: Path, settings: Settings, **changes: Any) -> Path:
    authentication = {"method": "jwt", "role": ROLE, "audience": AUDIENCE}
    seconds = settings.interval_seconds
    return write_connections(bed, file, auth=authentication, followIntervalSeconds=seconds, **changes)


def let_in(bed: Testbed) -> None:
    """Make the policy and the role of all namespaces whose names begin with `loop-`."""
    vault = bed.vault.client()
    paths = ("secret/data/loop/*", "secret/metadata/loop/*")
    policy = "\n".join(f'path "{path}" {{ capabilities = ["read"] }}' for path in paths)
    vault.sys.create_or_update_policy(ROLE, policy)
    vault.auth.jwt.create_role(
        ROLE,
        user_claim="sub",
        allowed_redirect_uris=[],
        role_type="jwt",
        bound_audiences=[AUDIENCE],
        bound_claims_type="glob",
        bound_claims={"sub": "system:serviceaccount:loop-*:keyhole"},
        token_policies=[ROLE],
        token_ttl="10m",
    )


def add_tenants(bed: Testbed, namespaces: Sequence[str], *, variables: bool = False) -> None:
    """Make namespaces by the tenant bundle, with `variables` if asked to; `let_in` lets them into Vault."""
    # Reading the YAML anew for each of a thousand takes longer than applying it.
    documents = list(
        yaml.safe_load_all(bundle.render(tenant(_ANY_NAMESPACE, WEBHOOK, CONTROLLER), variables=variables))
    )
    text = json.dumps(documents)
    for namespace in namespaces:
        apply(bed, *json.loads(text.replace(_ANY_NAMESPACE, namespace)))
    # The API server learns of its RoleBindings in their order.
    for namespace in namespaces[-1:]:
        wait_until_allowed(bed, WEBHOOK_USER, "create", "serviceaccounts/token", name="keyhole", namespace=namespace)


def _create_secrets(bed: Testbed, settings: Settings, namespaces: Sequence[str]) -> None:
    for namespace in namespaces:
        paths = [path_of(namespace, number) for number in range(settings.paths_each)]
        objects = settings.objects_each
        if namespace in {SHARED_NAMESPACE, BESIDE_NAMESPACE}:
            paths, objects = paths[:1], settings.shared if namespace == SHARED_NAMESPACE else 1
        for number in range(objects):
            _create(bed, namespace, f"app-{number}", paths[number % len(paths)])


def _create(bed: Testbed, namespace: str, name: str, path: str) -> None:
    annotations = {f"data.keyhole.dev/{field}": f"vault:secret/{path}#{field}" for field in _FIELDS}
    manifest = {"metadata": {"name": name, "namespace": namespace, "annotations": annotations}}
    answer = bed.kubernetes.request("POST", f"/api/v1/namespaces/{namespace}/secrets", manifest)
    if not answer.ok or len(answer.json().get("data") or {}) != len(_FIELDS):
        raise BenchError(f"{namespace}/{name} was not filled: {answer.status_code} {answer.json().get('message', '')}")


def in_threads(names: Sequence[str], work: Callable[[Sequence[str]], None]) -> None:
    """Share the names among some threads; the first error is raised when all have ended."""
    parts = [names[number::_THREADS] for number in range(_THREADS)]
    with ThreadPoolExecutor(_THREADS) as pool:
        for future in [pool.submit(work, part) for part in parts if part]:
            future.result()
