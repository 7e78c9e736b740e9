"""Puts a worker's service together: the application, the check of its callers, and everything behind them."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

from flask import Flask

from audit.key import AuditKey
from audit.stream import AuditStream
from audit.trail import StartingTrail
from kube.access import ReadAccess
from kube.client import check, connect, connected_before_fork
from kube.namespaces import Namespaces
from kube.objects import ObjectName
from kube.registration.request_header import RequestHeaders
from kube.secrets import Secrets
from kube.tokens import ServiceAccountTokens
from manifests.registration.api_service import ADMISSION_PATH
from metrics.admission_catalogue import REFUSALS
from metrics.catalogue import CALLER_REFUSALS, HANDSHAKE_FAILURES
from metrics.meters import Exposition, Meters
from metrics.vault_meter import vault_meters
from resolver.budget import Process
from resolver.resolve import Resolver
from resolver.tenancy.token_cache import TokenCache
from runtime.namespace_tokens import NamespaceTokens
from runtime.reload import Reloader
from webhook.admission.admit import Admission
from webhook.admission.audited import AuditedAdmission
from webhook.admission.metered import Appliers, MeteredAdmission
from webhook.admission.workloads import Workloads
from webhook.callerauth.caller import CallerCheck, ProofOutOfReach
from webhook.callerauth.discovery import add_discovery
from webhook.callerauth.modes import CallerMode, caller_check
from webhook.foundation import Foundation
from webhook.http.app import MUTATE_PATH, create_app
from webhook.http.body_budget import BodyBudget
from webhook.http.guard import Guard
from webhook.model import Admits
from webhook.record_keys import RecordKeys
from webhook.scheduling.fair_shares import Memory, Turns, shared, time_limit
from webhook.scheduling.gate import Gate, GatedAdmission
from webhook.server.serving_certificate import CertificateFiles, ServingCertificate
from webhook.service_settings import Audit, ServiceSettings
from webhook.telemetry.gauges import Gauges, Sources
from webhook.telemetry.observers import count_start, kubernetes_meter, reload_meter


@dataclass(frozen=True, slots=True)
class Service:
    """What a worker serves: the application behind its guard, and what goes with it.

    `certificate` follows its source already. `close` gives back everything that the service holds. `metrics` returns
    the metrics of all workers as text. `on_handshake_failure` is to be called for each handshake that fails.
    """

    app: Guard
    caller: CallerCheck
    certificate: ServingCertificate
    close: Callable[[], None]
    metrics: Callable[[], bytes] = bytes
    on_handshake_failure: Callable[[], None] = lambda: None


def check_start(settings: ServiceSettings) -> Foundation:
    """Check everything that a worker will need, before the fork, and return what workers begin with.

    Leaves nothing open. Keyhole starts even if the API server does not answer now, or a Secret has no certificate yet.
    Raises `ConfigurationError`, `audit.errors.AuditError`, `CertificateError` if files hold none, `ProofUnreadable` if
    callers could not be checked, or `kube.errors.KubernetesUnavailable` if nothing says where the API server is.
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
    """Assemble the service and start it. Call this in a worker, after the fork: it opens connections.

    Raises `kube.errors.KubernetesUnavailable` if nothing says where the API server is. If anything else is missing,
    the service is not ready until it is there.
    """
    parts = _Parts.made(settings, foundation, meters)
    gauges = Gauges(meters, parts.sources())
    needs = [parts.record_keys.is_known, parts.certificate.is_known]
    if parts.trail is not None:
        needs.append(parts.trail.has_begun)
    guard = Guard(_app(settings, parts, meters), parts.caller, lambda: meters.add(CALLER_REFUSALS), needs)

    def close() -> None:
        gauges.close()
        parts.close()

    parts.start()
    count_start(meters, settings.version, settings.caller.mode)
    gauges.start()
    metrics, count_handshake = Exposition(meters, gauges.tell).text, partial(meters.add, HANDSHAKE_FAILURES)
    return Service(guard, parts.caller, parts.certificate, close, metrics, count_handshake)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Everything that a worker holds open or keeps reading."""

    namespaces: Namespaces
    rights: ReadAccess
    gate: Gate
    memory: Memory
    process: Process
    tokens: TokenCache
    resolver: Resolver
    reloader: Reloader
    record_keys: RecordKeys
    certificate: ServingCertificate
    caller: CallerCheck
    trail: StartingTrail | None

    @classmethod
    def made(cls, settings: ServiceSettings, foundation: Foundation, meters: Meters) -> Self:
        """Make the parts without starting them."""
        api = connect(settings.kubeconfig, observe=kubernetes_meter(meters))
        secrets, tokens = Secrets(api), TokenCache(NamespaceTokens(ServiceAccountTokens(api)))
        gate, memory = Gate(settings.most_running, settings.most_waiting), Memory()
        process = shared(Turns(), memory)
        resolver = Resolver(
            foundation.connections, tokens, time_limit, vault_meters(meters), gate.asking, process=process
        )
        record_keys = RecordKeys(
            settings.record_key,
            lambda seconds: secrets.read(settings.record_key, seconds).data,
            settings.record_key_believed_seconds,
        )
        return cls(
            namespaces=Namespaces(api),
            rights=ReadAccess(api),
            gate=gate,
            memory=memory,
            process=process,
            tokens=tokens,
            resolver=resolver,
            reloader=Reloader(settings.connections_file, resolver, tokens.drop_idle, reload_meter(meters)),
            record_keys=record_keys,
            certificate=foundation.certificate or _certificate(settings.certificate, secrets),
            caller=foundation.caller or caller_check(settings.caller, RequestHeaders(api).read),
            trail=_trail(settings.audit, foundation.audit_key),
        )

    def start(self) -> None:
        """Read everything once, and start what runs in the background."""
        if self.trail is not None:
            self.trail.start()
        for part in (self.reloader, self.caller, self.record_keys, self.certificate):
            part.start()

    def close(self) -> None:
        """Stop what runs in the background, revoke the Vault tokens and end the audit trail."""
        for part in (self.reloader, self.record_keys, self.certificate, self.caller, self.resolver):
            part.close()
        if self.trail is not None:
            self.trail.close()

    def sources(self) -> Sources:
        """Return the numbers that the gauges show."""
        gate, resolver, reloader = self.gate, self.resolver, self.reloader
        record_keys, caller, certificate, trail = self.record_keys, self.caller, self.certificate, self.trail
        return Sources(
            running=lambda: gate.running,
            waiting=lambda: gate.waiting,
            tokens=lambda: self.tokens.held,
            busy_helpers=lambda: resolver.busy_helpers,
            open_breakers=lambda: resolver.open_breakers,
            knows_record_key=record_keys.is_known,
            knows_caller_proof=caller.is_ready,
            rejects_connections=lambda: reloader.rejects_connections,
            rejected=lambda: reloader.rejected,
            certificate_end=lambda: certificate.ends_at,
            record_key_id=lambda: ring.signing.id if (ring := record_keys.current()) else None,
            last_read_at={
                "record-key": lambda: record_keys.last_read_at,
                "callers": lambda: caller.last_read_at,
                "serving-certificate": lambda: certificate.last_read_at,
                "connections": lambda: reloader.last_read_at,
                "idle-tokens": lambda: reloader.last_swept_at,
            },
            can_account=trail.has_begun if trail else lambda: True,
        )


def _app(settings: ServiceSettings, parts: _Parts, meters: Meters) -> Flask:
    """Return the application: metrics wrap the gate, which wraps the audit trail, which wraps the admission."""
    process = parts.process
    admits: Admits = Admission(
        parts.resolver,
        parts.namespaces,
        parts.rights,
        parts.record_keys.current,
        time_limit,
        process=process,
        workloads=Workloads(parts.namespaces, process, serves=settings.variables),
        kinds=settings.kinds,
    )
    if parts.trail is not None:
        admits = AuditedAdmission(admits, parts.trail, parts.resolver.logins)
    appliers = Appliers.of(settings.appliers, settings.applier_groups)
    metered = MeteredAdmission(GatedAdmission(admits, parts.gate), meters, settings.kinds, appliers)
    budget = BodyBudget(parts.memory, process)
    is_aggregated = settings.caller.mode is CallerMode.AGGREGATION
    path = ADMISSION_PATH if is_aggregated else MUTATE_PATH
    app = create_app(metered, path, budget, lambda cause: meters.add(REFUSALS, cause))
    if is_aggregated:
        add_discovery(app)
    return app


def _certificate(source: CertificateFiles | ObjectName, secrets: Secrets) -> ServingCertificate:
    if isinstance(source, CertificateFiles):
        return ServingCertificate.of_files(source)
    return ServingCertificate.of_secret(source, secrets)


def _trail(audit: Audit | None, key: AuditKey | None) -> StartingTrail | None:
    return StartingTrail(key, audit.path) if audit and key else None
