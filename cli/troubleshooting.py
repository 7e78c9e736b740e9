"""docs/troubleshooting.md: `python -m cli.troubleshooting > docs/troubleshooting.md`."""

import sys
import textwrap
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from resolver.causes import Cause

_PASSING: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})

_HEAD = r"""<!-- Written by `python -m cli.troubleshooting` from the causes in resolver/causes.py. -->
# Troubleshooting

For whoever sees a refusal. Three questions answer most of it:

```
# Are the pods ready?
kubectl get pods -n keyhole
# Does the API server reach Keyhole, and does Keyhole answer?
keyhole probe default/keyhole-probe
# What does Vault say to the namespace?
keyhole resolve 'vault:secret/app#password' --namespace shop --connections connections.yaml
```

A refusal begins with a word that names its cause, and ends with what would cure it; [the causes](#causes) are listed
below. Everything else comes first.

## What is no refusal of Keyhole

### `failed calling webhook "annotations.keyhole.dev"` (or `in-place.keyhole.dev`)

The API server got no answer from Keyhole: the pods are not ready, or the way to them is closed.

**Do:** Look at the pods, then at `kubectl describe apiservice v1alpha1.admission.keyhole.dev`. On managed clusters the
control plane often needs [a firewall rule](installation.md#how-the-api-server-asks).

### `x509: certificate signed by unknown authority`

The `caBundle` that the API server has does not vouch for the certificate that Keyhole serves.

**Do:** Set the `caBundle` again, as [Certificates](certificates.md#when-the-authority-changes) describes. With
`aggregation` and `selfManaged` the controller does that within seconds: see whether it runs.

### The log says `refused … requests that no API server sent`

Whoever asks does not prove to be the API server in the way that `--caller-auth` demands. The line ends with what was
missing.

**Do:** Compare the mode with [what the API server was given](configuration.md#who-may-ask).

### A pod of the webhook is not ready

It lacks its record key, its certificate, its audit trail, or what it measures callers by.

**Do:** Read the pod's log, which says what is missing, and that of `keyhole controller`, which makes the record key and
the certificate.

### A Secret holds the text of a reference instead of a value

Keyhole was not asked: the namespace lacks the label `keyhole.dev/enabled=true`, or got it only a moment before; the
namespace is one of the excluded ones; or something comes before the reference, such as a blank.

**Do:** Apply the object again after labelling the namespace. [Which objects are sent](admission.md) has the rules, and
the policies there warn of such texts.

### An annotation of a workload, a ConfigMap or a custom resource does nothing, and nobody says why

Keyhole was not asked: variables, or the kind, are not in the webhook's registration; the annotation of a variable is
not on the pod template; or its name is misspelt.

**Do:** [Turn on variables](variables.md#turn-it-on) or [the kind](kinds.md#turn-it-on), then apply the object again.
`keyhole lint FILE`, with `--kinds FILE` if that is in use, names annotations without effect.

### `NotResolved`

The policy behind the webhook refuses the object, because Keyhole was not asked about it: the webhook's registration is
missing, or another webhook added the reference later.

**Do:** See that the webhook configuration exists (`kubectl get mutatingwebhookconfigurations`), then apply the object
again. [The policy](admission.md#the-policy-behind-it) has the rules.

### A value is older than the one in Vault

The controller brings it within a minute or so, unless something keeps it from that.

**Do:** `keyhole status -n shop` shows the versions and what is wrong. [For those on
call](operations.md#a-value-does-not-arrive) has the questions to ask. `keyhole refresh -n shop app` has Keyhole ask
Vault now.

### The Secret has the new value, and the application does not

A pod reads its variables when it starts; a mounted Secret is updated within a minute or two.

**Do:** `kubectl rollout restart`, or let Keyhole [restart](restarts.md) the workload for each new value.

### Argo CD or Flux shows a difference that does not go away

A reference in place is compared with the value in the cluster.

**Do:** Write references in annotations, or use the settings in [Flux, Argo CD and others](gitops.md).

### Deleted namespaces stay in `Terminating`

The APIService is unavailable while Keyhole does not answer, so discovery is incomplete.

**Do:** Bring Keyhole back. If it was removed without `helm uninstall`, delete [what it left
behind](installation.md#uninstall).

### `keyhole key rotate` ends with exit code 1

Records of some namespaces could not be signed again; the old key stays accepted.

**Do:** Mend what it names, or [end the rotation](key-rotation.md#end-it-with-records-left).

### `helm upgrade` says `missing property`

`--reuse-values` knows nothing of a setting that is new.

**Do:** Use `--reset-then-reuse-values`: [Upgrading](upgrade.md#what-can-get-in-the-way).

## Causes
"""


def render() -> str:
    """Return the document."""
    return _HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _wrapped(
        "In alphabetical order. The number is the HTTP status that the API server passes on. Where a retry may work, "
        "Flux, Argo CD and others try again by themselves."
    )
    for cause in sorted(Cause):
        codes = " or ".join(str(status.value) for status in cause.statuses)
        retry = _retry(cause)
        yield f"\n### `{cause}`\n"
        yield _wrapped(f"{codes}; {retry}. {cause.sentence}") + "\n"
        yield _wrapped(f"**Do:** {cause.remedy}")


def _retry(cause: Cause) -> str:
    """Say whether a retry may work; one cause may have a status that passes and one that stays."""
    passing = [status for status in cause.statuses if status in _PASSING]
    if not passing:
        return "a retry does not help"
    codes = "" if len(passing) == len(cause.statuses) else f" after {' or '.join(str(code.value) for code in passing)}"
    return f"a retry may work{codes}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(render())
