"""Flux and Argo CD for the tests of one file, with all that they write searched for canaries."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from testbed import Testbed
from testbed.gitops import argocd, flux
from testbed.gitops.argocd import ArgoCD
from testbed.gitops.flux import Flux
from testbed.gitops.kept import SECRETS, Kept
from tests.e2e.cluster import Cluster
from tests.e2e.places import Places
from tests.e2e.traffic import Traffic

_GIVEN_BACK = "update auth/token/revoke-self"


@contextlib.contextmanager
def running_flux(
    bed: Testbed, directory: Path, places: Places, namespaces: Sequence[str], kept: Sequence[Kept] = SECRETS
) -> Iterator[Flux]:
    """Run kustomize-controller, admitted to the namespaces."""
    with flux.running(bed, directory) as client:
        places.watch(client.server.log_file)
        kustomizations = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
        places.ask("Flux's Kustomizations", lambda: bed.kubernetes.request("GET", kustomizations).content)
        for namespace in namespaces:
            client.admit(namespace, kept)
        yield client


@contextlib.contextmanager
def running_argocd(
    bed: Testbed, directory: Path, places: Places, namespaces: Sequence[str], kept: Sequence[Kept] = SECRETS
) -> Iterator[ArgoCD]:
    """Run Argo CD, admitted to the namespaces."""
    with argocd.running(bed, directory, namespaces, kept) as client:
        for log_file in client.log_files:
            places.watch(log_file)
        places.ask("Argo CD's Applications", lambda: json.dumps(client.applications()).encode())
        yield client


def refresh(cluster: Cluster, name: str) -> None:
    """Ask for a Secret to be resolved anew, as `keyhole controller` does.

    Under kubectl's own name as field manager, Flux would take the change over at its next reconciliation.
    """
    annotation = "keyhole.dev/refresh=now"
    cluster.kubectl("annotate", "secret", name, annotation, "--field-manager=keyhole")


def asked_of_vault(traffic: Traffic) -> list[str]:
    """Return what Keyhole asked of Vault. That it gives back a token which it no longer uses is no question."""
    return [request for request in traffic.vault_requests() if request != _GIVEN_BACK]
