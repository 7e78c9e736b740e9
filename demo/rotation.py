"""A value that changes in Vault, and what follows by itself."""

import json
import time
from collections.abc import Callable

from demo import cluster
from demo.claims import Claims
from demo.cluster import NAMESPACE
from demo.errors import DemoError
from demo.screen import Screen
from demo.shell import Shell
from demo.values import DATABASE, Values

_WORKLOAD = "demo/workload.yaml"
_SECRET = "database"  # noqa: S105 - its name
_SECONDS = 60.0
_POLL_SECONDS = 0.2


def rotate(screen: Screen, shell: Shell, claims: Claims, values: Values) -> Values:
    """Change the database's password in Vault, show what happens, and return what Vault holds now.

    Raises DemoError when the cluster does not follow.
    """
    screen.say("A Deployment uses the Secret, and is to be restarted for a new value. A policy limits that right:")
    shell.show_applied("manifests", "reconciler-policy")
    shell.show_applied("tenant", NAMESPACE, "--restarts", "--variables")
    screen.output(shell.show_kubectl("apply", "-f", _WORKLOAD))
    _wait("the first ReplicaSet", lambda: bool(_replica_sets(shell)))
    first = _replica_sets(shell)
    before = _show_status(screen, shell)
    changed = values.with_another_password()
    document = {name: value.reveal_text() for name, value in changed.in_vault[DATABASE].items()}
    shell.show_vault("kv", "put", DATABASE, "-", input_text=json.dumps(document))
    began = time.monotonic()
    expected = {key: field.text for (secret, key), field in changed.expected.items() if secret == _SECRET}
    with screen.waiting("nobody does anything"):
        _wait("the new value", lambda: _held(shell, expected) == expected)
        claims.check(
            f"{time.monotonic() - began:.1f} s later the Secret holds the new password, in the URL too.", holds=True
        )
        _wait("the second ReplicaSet", lambda: len(_replica_sets(shell)) > len(first))
    new = set(_replica_sets(shell)) - set(first)
    claims.check(
        f"{time.monotonic() - began:.1f} s later the Deployment is rolled out anew, once.", holds=len(new) == 1
    )
    screen.output(shell.show_kubectl("get", "replicasets", "-n", NAMESPACE))
    after = _show_status(screen, shell)
    claims.check_empty("Neither status shows a value.", changed.found_in(before + after))
    return changed


def _show_status(screen: Screen, shell: Shell) -> str:
    """Show how the Secret's fields stand, and return all that `keyhole status` printed: as a table it is too wide."""
    told = shell.show_keyhole("status", "-n", NAMESPACE, "-o", "json")
    rows = [
        (f"{_SECRET} {row['field']}\n{row['reference']}", f"version {row['version']}, Vault has {row['vault_version']}")
        for row in json.loads(told)["references"]
        if row["name"] == _SECRET
    ]
    screen.side_by_side("field and reference", "holds", rows)
    return told


def _held(shell: Shell, expected: dict[str, str]) -> dict[str, str]:
    return {key: cluster.value(shell, _SECRET, key) for key in expected}


def _replica_sets(shell: Shell) -> list[str]:
    return shell.kubectl("get", "replicasets", "-n", NAMESPACE, "-o", "name").split()


def _wait(what: str, is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not is_there():
        if time.monotonic() > deadline:
            raise DemoError(f"{what} did not come within {_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
