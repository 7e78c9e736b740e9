"""A Deployment that asks for variables, the Secret that they come from, and a value that changes."""

import json
import time
from collections.abc import Callable
from typing import Any

from demo import cluster
from demo.claims import Claims
from demo.cluster import NAMESPACE
from demo.errors import DemoError
from demo.screen import Screen
from demo.shell import Shell
from demo.values import DATABASE, PAYMENTS, Values

_FOLDER = "examples/variables"
_DEPLOYMENT = "deployment/web"
_SECONDS = 60.0
_POLL_SECONDS = 0.05


def show(screen: Screen, shell: Shell, claims: Claims, values: Values) -> Values:
    """Apply the Deployment, show what became of it, change a value, and return what Vault holds now.

    Raises DemoError when the Secret or the new value does not come.
    """
    screen.output(shell.show_kubectl("apply", "-f", _FOLDER))
    _wait("the pod", lambda: bool(shell.kubectl("get", "pods", "-n", NAMESPACE, "-l", "app=web", "-o", "name")))
    began = time.monotonic()
    _wait("the Secret behind the variables", lambda: bool(_generated(shell)))
    (made,) = _generated(shell)
    seconds = time.monotonic() - began
    claims.check(f"{seconds:.1f} s after the pod, the Secret that its variables come from is there.", holds=True)
    template = json.loads(shell.kubectl("get", _DEPLOYMENT, "-n", NAMESPACE, "-o", "json"))["spec"]["template"]
    screen.side_by_side("Git: the pod template's annotation", "cluster: the container's variable", _rows(template))
    claims.check("The Secret holds what Vault does.", holds=_held(shell, made) == _expected(values))
    changed = values.with_another_password()
    document = {name: value.reveal_text() for name, value in changed.in_vault[DATABASE].items()}
    shell.show_vault("kv", "put", DATABASE, "-", input_text=json.dumps(document))
    began = time.monotonic()
    with screen.waiting("nobody does anything"):
        _wait("the new value", lambda: _held(shell, made) == _expected(changed))
    claims.check(f"{time.monotonic() - began:.1f} s later the Secret holds the new password.", holds=True)
    told = shell.kubectl("get", "deployments,replicasets,pods,events", "-n", NAMESPACE, "-o", "yaml")
    claims.check_empty("No value stands in Deployments, ReplicaSets, pods and Events.", changed.found_in(told))
    return changed


def _rows(template: dict[str, Any]) -> list[tuple[str, str]]:
    """Return each annotation of the template that asks for a variable, beside what became of it."""
    notes = template["metadata"]["annotations"]
    asking = {name.rpartition("/")[2]: f"{name}:\n  {text}" for name, text in notes.items() if "env.keyhole" in name}
    (container,) = template["spec"]["containers"]
    return [(asking.get(one["name"], f"{one['name']}: {one.get('value')}"), _shown(one)) for one in container["env"]]


def _shown(variable: dict[str, Any]) -> str:
    if "value" in variable:
        return f"{variable['name']}: {variable['value']}"
    source = variable["valueFrom"]["secretKeyRef"]
    return f"{variable['name']}:\n  {source['key']} of secret/{source['name']}"


def _generated(shell: Shell) -> list[str]:
    """Return the Secrets behind variables that have been filled."""
    told = shell.kubectl("get", "secrets", "-n", NAMESPACE, "-l", "keyhole.dev/generated=true", "-o", "name")
    return [name.removeprefix("secret/") for name in told.split()]


def _held(shell: Shell, secret: str) -> list[str]:
    return [cluster.value(shell, secret, key) for key in ("DB_PASSWORD", "web.PAYMENTS_TOKEN")]


def _expected(values: Values) -> list[str]:
    password = values.in_vault[DATABASE]["password"].reveal_text()
    return [password, f"Bearer {values.in_vault[PAYMENTS]['token'].reveal_text()}"]


def _wait(what: str, is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not is_there():
        if time.monotonic() > deadline:
            raise DemoError(f"{what} did not come within {_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
