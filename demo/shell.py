"""The commands of the demo, run on the testbed's servers."""

import shlex
import subprocess

from demo.errors import DemoError
from demo.screen import Screen
from testbed import Testbed

_TIMEOUT_SECONDS = 300.0


class Shell:
    """kubectl as the cluster's administrator, vault with the root token; paths are relative to the checkout."""

    def __init__(self, bed: Testbed, screen: Screen) -> None:
        self._bed = bed
        self._screen = screen

    def kubectl(self, *arguments: str) -> str:
        """Run a command without showing it and return its stdout. Raises DemoError when it fails."""
        return _succeeded(self._bed.kubectl(*arguments, check=False), f"kubectl {arguments[0]}")

    def show_kubectl(self, *arguments: str) -> str:
        """Show and run a command and return its stdout. Raises DemoError when it fails."""
        self._screen.command(shlex.join(["kubectl", *arguments]))
        return self.kubectl(*arguments)

    def show_failing_kubectl(self, *arguments: str) -> tuple[int, str]:
        """Show and run a command; return exit code and stderr."""
        self._screen.command(shlex.join(["kubectl", *arguments]))
        done = self._bed.kubectl(*arguments, check=False)
        return done.returncode, done.stderr

    def show_vault(self, *arguments: str, input_text: str = "") -> str:
        """Show and run `vault` and return its stdout; the input is not shown. Raises DemoError when it fails."""
        self._screen.command(shlex.join([self._bed.program("vault").name, *arguments]))
        vault = self._bed.vault
        environment = {
            "HOME": str(self._bed.directory),
            "VAULT_ADDR": vault.url,
            "VAULT_CACERT": str(vault.ca_file),
            "VAULT_TOKEN": vault.root_token,
        }
        done = subprocess.run(
            [str(self._bed.program("vault")), *arguments],
            input=input_text,
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
