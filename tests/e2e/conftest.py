"""What the end-to-end tests share: one webhook, served and registered once, a tenant, and the search for canaries."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import registered
from testbed.keyhole.tenants import add_tenant
from testbed.servers.ports import free_port
from tests.e2e.caller import Caller
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster, watched
from tests.e2e.lying_vault import LyingVault, lying_vault
from tests.e2e.objects import encoded, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import workers
from tests.e2e.slow_wire import CountingListener, DrippingProxy, silent_listener
from tests.e2e.traffic import Traffic

NAMESPACE = "e2e"
LOGIN_LIES = (
    *("status-400", "status-403", "status-404", "status-429", "status-500", "status-503", "status-307", "garbage"),
    *("a-list", "no-auth", "token-is-a-number", "token-with-line-break", "token-beyond-latin-1", "lifetime-is-text"),
    *("stalling", "dripping", "balancer-502-twice"),
)


@pytest.fixture(scope="session")
def canary() -> Canary:
    """Return the run's canary, which stands in every value in Vault."""
    return Canary()


@pytest.fixture(scope="session")
def places(canary: Canary, testbed: Testbed) -> Places:
    """Return everything that is searched for the canary after each test."""
    return watched(canary, testbed)


@pytest.fixture(autouse=True)
def _nothing_comes_to_light(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail each test of the servers that lets a value or a token be seen."""
    yield
    if "places" in request.fixturenames:
        leaks = request.getfixturevalue("places").leaks()
        assert not leaks, "\n".join(leaks)


@pytest.fixture(scope="session")
def liar(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> Iterator[LyingVault]:
    """Return a server that answers as Vault, but for the paths that name a way to misbehave."""
    with lying_vault(tmp_path_factory.mktemp("liar"), canary.value()) as liar:
        yield liar


@pytest.fixture(scope="session")
def elsewhere(liar: LyingVault) -> Iterator[CountingListener]:
    """Return the host to which the liar redirects."""
    listener = CountingListener()
    liar.elsewhere = listener.url
    with contextlib.closing(listener):
        yield listener


@pytest.fixture(scope="session")
def slow_records(liar: LyingVault) -> Iterator[DrippingProxy]:
    """Return a wire to the liar that can be made slow after the handshake."""
    with contextlib.closing(DrippingProxy(liar.port, is_slow=False)) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def connections_file(
    tmp_path_factory: pytest.TempPathFactory, testbed: Testbed, liar: LyingVault, slow_records: DrippingProxy
) -> Iterator[Path]:
    """Return a connections file: the real Vault under `default`, in other ways under others, and what goes wrong."""
    real = {"address": testbed.vault.url, "caFile": str(testbed.vault.ca_file)}
    lying = {"address": liar.url, "caFile": str(liar.ca_file), "mounts": {"secret": 2}}
    jwt = {"method": "jwt", "role": "keyhole-{namespace}", "audience": AUDIENCE}
    with silent_listener() as silent, contextlib.closing(DrippingProxy(liar.port, is_slow=True)) as slow_handshake:
        known = {
            "default": {**real, "auth": jwt, "mounts": {"secret": 2, "legacy": 1}},
            "kubernetes": {**real, "auth": {**jwt, "method": "kubernetes"}, "mounts": {"secret": 2}},
            "detecting": {**real, "auth": jwt},
            "always": {**real, "auth": jwt, "mounts": {"secret": 2}, "refreshIntervalSeconds": 0},
            "no-such-role": {**real, "auth": {**jwt, "role": "no-such-role"}, "mounts": {"secret": 2}},
            "untrusted": {**real, "auth": jwt, "caFile": str(liar.ca_file), "mounts": {"secret": 2}},
            "nobody": {**real, "auth": jwt, "address": f"https://127.0.0.1:{free_port()}", "mounts": {"secret": 2}},
            "liar": {**lying, "auth": jwt},
            **{f"liar-{lie}": {**lying, "auth": {**jwt, "mount": lie}} for lie in LOGIN_LIES},
            "silent": {**lying, "auth": jwt, "address": f"https://127.0.0.1:{silent.getsockname()[1]}"},
            "slow-handshake": {**lying, "auth": jwt, "address": slow_handshake.url},
            "slow-records": {**lying, "auth": jwt, "address": slow_records.url},
        }
        file = tmp_path_factory.mktemp("connections") / "connections.yaml"
        file.write_text(yaml.safe_dump({"connections": known}))
        yield file


@pytest.fixture(scope="session")
def tenant(testbed: Testbed) -> str:
    """Return a namespace that opted in, whose role may read below `e2e/` in each mount."""
    paths = [
        *("secret/data/e2e/*", "legacy/e2e/*", "other-two/data/e2e/*", "other-one/e2e/*"),
        *("nested/mount/data/e2e/*", "transit/e2e/*"),
    ]
    for method in ("jwt", "kubernetes"):
        add_tenant(testbed, NAMESPACE, paths, method=method)
    client = testbed.vault.client()
    client.sys.enable_secrets_engine("transit")
    for mount, version in (("other-two", "2"), ("nested/mount", "2"), ("other-one", "1")):
        client.sys.enable_secrets_engine("kv", path=mount, options={"version": version})
    return NAMESPACE


@pytest.fixture(scope="session")
def webhook(  # noqa: PLR0917 - pytest passes one for each fixture
    testbed: Testbed,
    places: Places,
    tenant: str,
    connections_file: Path,
    elsewhere: CountingListener,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Webhook]:
    """Return the webhook, which the API server asks about every Secret."""
    directory = tmp_path_factory.mktemp("webhook")
    places.watch(directory / "keyhole.log")
    with serving(testbed, directory, connections_file) as webhook, registered(testbed, webhook, policy=True):
        yield webhook


@pytest.fixture
def cluster(testbed: Testbed, places: Places, webhook: Webhook, tenant: str) -> Cluster:
    """Return the tenant's namespace, with the webhook in front of it."""
    return Cluster(testbed, places, tenant)


@pytest.fixture
def caller(webhook: Webhook, places: Places, tenant: str) -> Caller:
    """Return somebody who asks the webhook directly."""
    return Caller(webhook, places, tenant)


@pytest.fixture
def plant(testbed: Testbed, canary: Canary, tenant: str) -> Planter:
    """Return what writes values with the canary into Vault."""
    return Planter(testbed, canary)


@pytest.fixture
def traffic(testbed: Testbed, webhook: Webhook) -> Traffic:
    """Return the counts of requests since the test began."""
    return Traffic(testbed)


@pytest.fixture
def _webhook_goes_on(webhook: Webhook, caller: Caller, plant: Planter) -> Iterator[None]:
    """Check after the test that no worker died of it, that no traceback was logged, and that work goes on."""
    before = workers(webhook)
    logged = webhook.log_file.stat().st_size
    yield
    value = plant.secret("after-bad-input")["password"]
    for _ in range(4):
        reply = caller.admit(filled("good", password="vault:secret/e2e/after-bad-input#password"))
        assert {"op": "add", "path": "/data/password", "value": encoded(value)} in reply.patch
    assert len(before) == 2
    assert workers(webhook) == before
    assert "Traceback" not in webhook.log_file.read_text()[logged:]


def opted_in_namespace(bed: Testbed, name: str) -> str:
    """Make a namespace with the label and with nothing else."""
    labels = {"keyhole.dev/enabled": "true"}
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return name
