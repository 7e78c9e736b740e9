"""docs/troubleshooting.md: `python -m cli.troubleshooting > docs/troubleshooting.md`."""

import sys
import textwrap
from collections.abc import Iterator

from resolver.causes import Cause

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
below. What does not begin with such a word stands first.

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
namespace is one of the excluded ones; or something stands before the reference, a blank perhaps.

**Do:** Apply the object again after labelling the namespace. [Which objects are sent](admission.md) has the rules, and
the policies there warn of such texts.

### A value is older than the one in Vault

Nothing follows a rotation in Vault by itself. A value is read again when its object is applied and the connection's
`refreshIntervalSeconds` have passed.

**Do:** `kubectl annotate secret app keyhole.dev/refresh=now` has Keyhole ask Vault now. If a warning says that the
value could not be verified, the warning names the cause.

### Argo CD or Flux shows a difference that does not go away

A reference in place is compared with the value in the cluster.

**Do:** Write references in annotations, or use the settings in [Flux, Argo CD and others](gitops.md).

### Deleted namespaces stay in `Terminating`

The APIService is unavailable while Keyhole does not answer, so discovery is incomplete.

**Do:** Bring Keyhole back. If it was removed without `helm uninstall`, delete [what it left
behind](installation.md#uninstall).

### `keyhole key rotate` ends with exit code 1

Records of some namespaces could not be signed anew; the old key stays accepted.

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
    for cause in sorted(Cause):
        codes = " or ".join(str(status.value) for status in cause.statuses)
        yield f"\n### `{cause}` ({codes})\n"
        yield _wrapped(cause.sentence)
        yield ""
        yield _wrapped(f"**Do:** {cause.remedy}")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(render())
