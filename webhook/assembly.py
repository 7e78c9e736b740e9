"""What a worker serves: the admission application, who may call it, and what it holds."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from audit.key import AuditKey
from audit.start import StartingTrail
from audit.stream import AuditStream
from kube.access import SecretAccess
from kube.client import check, connect, connected_before_fork
from kube.namespaces import Namespaces
from kube.objects import ObjectName
from kube.request_header import RequestHeaders
from kube.secrets import Secrets
from kube.tokens import ServiceAccountTokens
from manifests.provenance.key_status import BELIEVED_SECONDS
from manifests.registration.api_service import ADMISSION_PATH
from metrics.catalogue import CALLER_REFUSALS, HANDSHAKE_FAILURES, REFUSALS
from metrics.meters import Exposition, Meters
from resolver.resolve import Resolver
from resolver.tenancy.token_cache import TokenCache
from runtime.namespace_tokens import NamespaceTokens
from webhook.admission.admit import Admission
from webhook.admission.audited import AuditedAdmission
from webhook.admission.metered import MeteredAdmission
from webhook.callerauth.caller import CallerCheck, ProofOutOfReach
from webhook.callerauth.modes import CallerMode, CallerSettings, caller_check
from webhook.foundation import Foundation
from webhook.http.app import MUTATE_PATH, create_app
from webhook.http.body_budget import BodyBudget
from webhook.http.discovery import add_discovery
from webhook.http.guard import Guard
from webhook.record_keys import RecordKeys
from webhook.reload import Upkeep
from webhook.scheduling.gate import Gate, GatedAdmission
from webhook.scheduling.memory import Memory
from webhook.scheduling.time_limit import time_limit
from webhook.scheduling.turns import Turns, shared
from webhook.server.serving_certificate import CertificateFiles, ServingCertificate
from webhook.telemetry.gauges import Gauges, Sources
from webhook.telemetry.observers import count_start, kubernetes_meter, reload_meter, vault_meters


@dataclass(frozen=True, slots=True)
class Audit:
    """Where the audit trail goes (None: standard output), and the file of the key that chains it."""

    path: Path | None
    key_file: Path


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What Keyhole is made of. Without `kubeconfig` it runs in the cluster; without `audit` there is no audit trail.

    `record_key` is the Secret with the keys of the records, which count for `record_key_believed_seconds` from the last
    time they could be read. `certificate` names the files or the Secret to serve with.
    Of the admissions in a worker, `most_running` are worked on at once, and `most_waiting` wait for their turn.
    """

    connections_file: Path
    caller: CallerSettings
    record_key: ObjectName
    certificate: CertificateFiles | ObjectName
    kubeconfig: Path | None = None
    audit: Audit | None = None
    record_key_believed_seconds: float = BELIEVED_SECONDS
    most_running: int = 64
    most_waiting: int = 256
    version: str = "unknown"


@dataclass(frozen=True, slots=True)
class Service:
    """A WSGI application, who may call it, what it shows callers, how to give back what it holds, and if it can answer.

    `certificate` follows its source already. `metrics` gives the metrics of all workers, as text, and
    `on_handshake_failure` is to be called for each handshake that fails.
    """

    app: Any
    caller: CallerCheck
    certificate: ServingCertificate
    close: Callable[[], None]
    is_ready: Callable[[], bool]
    metrics: Callable[[], bytes] = bytes
    on_handshake_failure: Callable[[], None] = lambda: None


def check_start(settings: ServiceSettings) -> Foundation:
    """Check, before the fork, what every worker is going to need, and return what they begin with. Leaves nothing open.

    An API server that does not answer now is no reason not to start, and neither is a Secret without a certificate.
    Raises `resolver.connections.ConfigurationError`, `audit.errors.AuditError`,
    `CertificateError` when files hold none, `kube.errors.KubernetesUnavailable` when there is no way to an API server,
    or `ProofUnreadable` when callers cannot be checked.
    """
    source = settings.certificate
    is_aggregated = settings.caller.mode is CallerMode.AGGREGATION
    foundation = Foundation(
        settings.connections_file,
        ServingCertificate.of_files(source) if isinstance(source, CertificateFiles) else None,
        None if is_aggregated else caller_check(settings.caller),
        settings.audit.key_file if settings.audit else None,
    )
    foundation.check()
    if settings.audit is not None:
        AuditStream(settings.audit.path).close()
    if is_aggregated:
        with connected_before_fork(settings.kubeconfig) as api, contextlib.suppress(ProofOutOfReach):
            caller_check(settings.caller, RequestHeaders(api).read).load()
    else:
        check(settings.kubeconfig)
    return foundation


def build(settings: ServiceSettings, foundation: Foundation, meters: Meters) -> Service:
    """Assemble Keyhole. To be called in a worker, after the fork: from here on there are connections.

    Raises `kube.errors.KubernetesUnavailable` when there is no way to an API server. Whatever else is missing makes the
    service not ready.
    """
    api = connect(settings.kubeconfig, observe=kubernetes_meter(meters))
    tenants = TokenCache(NamespaceTokens(ServiceAccountTokens(api)))
    gate = Gate(settings.most_running, settings.most_waiting)
    memory = Memory()
    process = shared(Turns(), memory)
    resolver = Resolver(
        foundation.connections,
        tenants,
        time_limit,
        vault_meters(meters),
        gate.asking,
        process=process,
    )
    secrets = Secrets(api)
    record_keys = RecordKeys(
        settings.record_key,
        lambda seconds: secrets.read(settings.record_key, seconds).data,
        settings.record_key_believed_seconds,
    )
    admission = Admission(
        resolver, Namespaces(api), SecretAccess(api), record_keys.current, time_limit, process=process
    )
    trail = _trail(settings.audit, foundation.audit_key)
    admits = AuditedAdmission(admission, trail, resolver.logins) if trail else admission
    caller = foundation.caller or caller_check(settings.caller, RequestHeaders(api).read)
    is_aggregated = settings.caller.mode is CallerMode.AGGREGATION
    metered = MeteredAdmission(GatedAdmission(admits, gate), meters)
    path = ADMISSION_PATH if is_aggregated else MUTATE_PATH
    app = create_app(metered, path, BodyBudget(memory, process), lambda cause: meters.add(REFUSALS, cause))
    if is_aggregated:
        add_discovery(app)
    certificate = foundation.certificate or _certificate(settings.certificate, secrets)
    upkeep = Upkeep(settings.connections_file, resolver, tenants, reload_meter(meters))
    gauges = Gauges(
        meters,
        Sources(
            running=lambda: gate.running,
            waiting=lambda: gate.waiting,
            tokens=lambda: tenants.held,
            busy_helpers=lambda: resolver.busy_helpers,
            open_breakers=lambda: resolver.open_breakers,
            knows_record_key=lambda: record_keys.current() is not None,
            knows_caller_proof=lambda: caller.is_ready,
            rejects_connections=lambda: upkeep.rejects_connections,
            rejected=lambda: upkeep.rejected,
            certificate_end=lambda: certificate.ends_at,
            record_key_id=lambda: ring.signing.id if (ring := record_keys.current()) else None,
            last_read_at={
                "record-key": lambda: record_keys.last_read_at,
                "callers": lambda: caller.last_read_at,
                "serving-certificate": lambda: certificate.last_read_at,
                "connections": lambda: upkeep.last_read_at,
            },
            can_account=lambda: trail is None or trail.has_begun,
        ),
    )

    def close() -> None:
        gauges.close()
        upkeep.stop()
        record_keys.close()
        certificate.close()
        caller.close()
        resolver.close()
        if trail is not None:
            trail.close()

    if trail is not None:
        trail.start()
    upkeep.start()
    caller.start()
    record_keys.start()
    certificate.start()
    count_start(meters, settings.version, settings.caller.mode)
    gauges.start()

    def is_ready() -> bool:
        knows_keys = record_keys.current() is not None and certificate.current() is not None
        return caller.is_ready and knows_keys and (trail is None or trail.has_begun)

    guard = Guard(app, caller, lambda: meters.add(CALLER_REFUSALS), is_ready)
    count_handshake = partial(meters.add, HANDSHAKE_FAILURES)
    return Service(guard, caller, certificate, close, is_ready, Exposition(meters, gauges.tell).text, count_handshake)


def _certificate(source: CertificateFiles | ObjectName, secrets: Secrets) -> ServingCertificate:
    if isinstance(source, CertificateFiles):
        return ServingCertificate.of_files(source)
    return ServingCertificate.of_secret(source, secrets)


def _trail(audit: Audit | None, key: AuditKey | None) -> StartingTrail | None:
    return StartingTrail(key, audit.path) if audit and key else None
