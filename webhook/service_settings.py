"""What a worker serves, as the command line says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kube.objects import ObjectName
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.provenance.key_status import BELIEVED_SECONDS
from webhook.callerauth.modes import CallerSettings
from webhook.server.serving_certificate import CertificateFiles


@dataclass(frozen=True, slots=True)
class Audit:
    """Where the audit trail is written (None: standard output), and the file with the key that chains it."""

    path: Path | None
    key_file: Path


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What to serve. Without `kubeconfig`, Keyhole runs in the cluster. Without `audit`, there is no audit trail.

    `record_key` is the Secret with the record keys, which are believed for `record_key_believed_seconds` after they
    were last read. `certificate` is where the serving certificate comes from. In each worker, at most `most_running`
    admissions run at once and `most_waiting` more wait for their turn. With `variables`, workloads get them.
    Only objects of these `kinds` are filled. `appliers` are the user names, a `*` at the end for anything, and
    `applier_groups` the groups of who is to apply objects.
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
    variables: bool = False
    kinds: Kinds = ONLY_SECRETS
    appliers: Sequence[str] = ()
    applier_groups: Sequence[str] = ()
