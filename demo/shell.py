"""The commands of the demo: each is shown, then run, on the testbed's servers."""

import shlex
import subprocess

from demo.errors import DemoError
from demo.screen import Screen
from testbed import Testbed

_TIMEOUT_SECONDS = 60.0


class Shell:
    """kubectl as the cluster's administrator, vault with the root token; paths are those of the checkout."""

    def __init__(self, bed: Testbed, screen: Screen) -> None:
        self._bed = bed
        self._screen = screen

    def kubectl(self, *arguments: str) -> str:
        """Show and run a command and return what it wrote to stdout. Raises DemoError when it fails."""
        done = self.tried("kubectl", *arguments)
        return _succeeded(done, f"kubectl {arguments[0]}")

    def quiet_kubectl(self, *arguments: str) -> str:
        """Do the same without showing the command."""
        return _succeeded(self._bed.kubectl(*arguments, check=False), f"kubectl {arguments[0]}")

    def tried(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Show and run a kubectl command that may fail."""
        self._screen.command(shlex.join([program, *arguments]))
        return self._bed.kubectl(*arguments, check=False)

    def vault(self, *arguments: str, input_text: str | None = None) -> str:
        """Show and run `vault`; the input is not shown. Raises DemoError when it fails."""
        self._screen.command(shlex.join(["vault", *arguments]))
        vault = self._bed.vault
        environment = {
            "HOME": str(self._bed.directory),
            "VAULT_ADDR": vault.url,
            "VAULT_CACERT": str(vault.ca_file),
            "VAULT_TOKEN": vault.root_token,
        }
        done = subprocess.run(  # noqa: S603 - the program is the testbed's own
            [str(self._bed.program("vault")), *arguments],
            input=input_text or "",
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        return _succeeded(done, f"vault {arguments[0]}")


def _succeeded(done: subprocess.CompletedProcess[str], name: str) -> str:
    if done.returncode:
        raise DemoError(f"{name} failed with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout
