"""The commands of the demo, run on the testbed's servers."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from demo.errors import DemoError
from demo.screen import Screen
from testbed import Testbed

_TIMEOUT_SECONDS = 300.0
_CHECKOUT = Path(__file__).resolve().parent.parent


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

    def show_keyhole(self, *arguments: str) -> str:
        """Show and run `keyhole`, with the administrator's kubeconfig and Vault's root token; return its stdout.

        Raises DemoError when it fails.
        """
        self._screen.command(shlex.join(["keyhole", *arguments]))
        return self._keyhole(*arguments)

    def show_applied(self, *arguments: str) -> None:
        """Show and run `keyhole`, and apply what it prints. Raises DemoError when either fails."""
        self._screen.command(f"{shlex.join(['keyhole', *arguments])} | kubectl apply -f -")
        printed = self._keyhole(*arguments)
        _succeeded(self._bed.kubectl("apply", "-f", "-", input_text=printed, check=False), "kubectl apply")

    def _keyhole(self, *arguments: str) -> str:
        environment = {
            **self._vault_environment(),
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(_CHECKOUT),
            "KUBECONFIG": str(self._bed.kubernetes.kubeconfig),
        }
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        return _succeeded(done, f"keyhole {arguments[0]}")

    def show_vault(self, *arguments: str, input_text: str = "") -> str:
        """Show and run `vault` and return its stdout; the input is not shown. Raises DemoError when it fails."""
        self._screen.command(shlex.join([self._bed.program("vault").name, *arguments]))
        done = subprocess.run(
            [str(self._bed.program("vault")), *arguments],
            input=input_text,
            env=self._vault_environment(),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        return _succeeded(done, f"vault {arguments[0]}")

    def _vault_environment(self) -> dict[str, str]:
        vault = self._bed.vault
        return {
            "HOME": str(self._bed.directory),
            "VAULT_ADDR": vault.url,
            "VAULT_CACERT": str(vault.ca_file),
            "VAULT_TOKEN": vault.root_token,
        }


def _succeeded(done: subprocess.CompletedProcess[str], name: str) -> str:
    if done.returncode:
        raise DemoError(f"{name} failed with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout
