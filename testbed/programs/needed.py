"""What every testbed needs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from testbed.programs.finding import BUILT, Found
from testbed.programs.toolbox import Toolbox

NEEDED: Final = ("kube-apiserver", "etcd", "vault", "kubectl")
_PLUGIN: Final = "vault-plugin-auth-kubernetes"


def ensure(toolbox: Toolbox, more: Sequence[str] = ()) -> dict[str, Found]:
    """Find or build what every testbed needs, and more; return it by name. Raises as `Toolbox.ensure`."""
    found = toolbox.ensure([*NEEDED, *more])
    # Official programs have the auth method kubernetes built in. The one that is built here gets it as a plugin.
    is_built = found["vault"].source == BUILT
    return {**found, **toolbox.ensure([_PLUGIN])} if is_built or toolbox.is_given(_PLUGIN) else found


def plugin(toolbox: Toolbox) -> Path | None:
    """Return the auth plugin that goes with the Vault in use, if it needs one."""
    found = ensure(toolbox).get(_PLUGIN)
    return found.path if found else None
