"""The section of the cluster: every namespace that opted in, a few at a time.

As itself the Enforcer lists namespaces, and nothing in them. In each that opted in, and in others that still have the
bundle, it acts as the account `keyhole-reconciler`, with
a token that the bundle of the tenant lets it create.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from enforcer.collecting.cluster.namespaces import Looking, Room, looked_at, looked_at_without_label, not_looked_at
from enforcer.collecting.cluster.pace import AT_ONCE, CALL_SECONDS, GivenUp, Pace
from enforcer.collecting.refusals import refused
from enforcer.collecting.run import Run, Stopped
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, Namespace
from enforcer.facts.inventory import Inventory
from kube.checking.own_rights import may_create_tokens
from kube.client import connect
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.namespaces import Namespaces
from kube.objects import Metadata
from kube.tenant_clients import TenantClients
from manifests.registration.webhook_configuration import SYSTEM_NAMESPACES
from resolver.identity import RECONCILER
from runtime.bugs import described

_log = logging.getLogger("keyhole.enforcer")
_NO_CLUSTER: Final = "no cluster was asked"


def collect(sources: Sources, run: Run, _so_far: Inventory) -> ClusterFacts | NotKnown:
    """Return what the API server has. Once the run has to end, what was not looked at yet is not known."""
    if not sources.cluster:
        return NotKnown(not_known=_NO_CLUSTER)
    lists, trials = Pace(run), Pace(run)
    try:
        api = connect(sources.kubeconfig)
        run.tell("the namespaces")
        namespaces = Namespaces(api)
        enabled = lists.ask(lambda: namespaces.list_enabled_metadata(CALL_SECONDS))
        others = lists.ask(lambda: namespaces.list_others_metadata(CALL_SECONDS))
    except (KubernetesError, KubernetesUnavailable) as error:
        return refused(error, "list namespaces")
    except GivenUp as given_up:
        return NotKnown(not_known=given_up.reason)
    # Each namespace is looked at once, so that its token is not needed afterwards.
    clients = TenantClients(api, most_kept=2 * AT_ONCE)
    may_look = partial(_may_look, api)
    listed = {codec: Pace(run) for codec in sources.kinds if codec.is_listed}
    looking = Looking(run, clients, sources.kinds, lists, trials, Room(), may_look, listed)
    excluded = {*SYSTEM_NAMESPACES, sources.own_namespace}
    others = [one for one in others if one.name.name not in excluded]
    found = [*_all(looking, enabled), *_without_label(looking, others)]
    return ClusterFacts(namespaces=tuple(sorted(found, key=lambda one: one.name)))


def _may_look(api: Any, namespace: str) -> bool:
    return may_create_tokens(api, RECONCILER, namespace, CALL_SECONDS)


def _all(looking: Looking, found: Sequence[Metadata]) -> Iterator[Namespace]:
    def one(number: int, metadata: Metadata) -> Namespace:
        try:
            looking.run.go_on()
        except Stopped as stopped:
            return not_looked_at(metadata, NotKnown(not_known=stopped.reason))
        looking.run.tell(f"namespace {number} of {len(found)}")
        try:
            return looked_at(looking, metadata)
        except Exception as error:  # noqa: BLE001 - a bug that one namespace brings out must not take the others away
            _log.error("looking at namespace %s failed: %s", metadata.name.name, described(error))
            return not_looked_at(metadata, NotKnown(not_known=f"a bug in Keyhole: {type(error).__name__}"))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="namespaces") as pool:
        yield from pool.map(one, range(1, len(found) + 1), found)


def _without_label(looking: Looking, others: Sequence[Metadata]) -> Iterator[Namespace]:
    """Yield the namespaces without the label that refer to Vault, as far as the Enforcer may look."""

    def one(metadata: Metadata) -> Namespace | None:
        try:
            return looked_at_without_label(looking, metadata)
        except Exception as error:  # noqa: BLE001 - as above
            _log.error("looking at namespace %s failed: %s", metadata.name.name, described(error))
            bug = NotKnown(not_known=f"a bug in Keyhole: {type(error).__name__}")
            return not_looked_at(metadata, bug, enabled=False)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="namespaces") as pool:
        yield from filter(None, pool.map(one, others))
