"""`keyhole status` and `keyhole refresh` as somebody runs them, with an own token of Vault."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from cli.main import main
from testbed import Testbed
from tests.e2e.places import Places

_ROOT = Path(__file__).resolve().parents[3]
_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


Runner = Callable[[Sequence[str], Mapping[str, str]], Done]


def here(args: Sequence[str], environment: Mapping[str, str]) -> Done:
    """Run `keyhole` in this process: the servers are real, and starting Python would take most of the time."""
    done = CliRunner(env=environment).invoke(main, args)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def as_process(args: Sequence[str], environment: Mapping[str, str]) -> Done:
    """Run `keyhole` as people do."""
    command = [sys.executable, "-m", "cli", *args]
    done = subprocess.run(
        command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Keyhole:
    """Runs `keyhole` as somebody with an own token of Vault; nothing that it prints may hold a value."""

    def __init__(  # noqa: PLR0917 - where it runs, and as whom
        self, bed: Testbed, places: Places, connections: Path, home: Path, namespace: str, runner: Runner = here
    ) -> None:
        self._runner = runner
        self._bed = bed
        self._places = places
        self._connections = connections
        self._home = home
        self.namespace = namespace
        made = bed.vault.client().auth.token.create(policies=[f"keyhole-{namespace}"], ttl="10m")
        self._token = made["auth"]["client_token"]

    def status(self, *args: str, code: int | None = None, **variables: str) -> Done:
        """Run `keyhole status`, in the namespace unless the arguments say where; check the exit code."""
        return self._run("status", *args, *("--connections", str(self._connections)), code=code, **variables)

    def rows(self, *args: str, code: int) -> Mapping[str, Any]:
        """Return the references that `keyhole status -o json` shows, by the name of their Secret."""
        found = json.loads(self.status(*args, "-o", "json", code=code).stdout)
        assert found["is_well"] is (code == 0)
        return {row["name"]: row for row in found["references"]}

    def refresh(self, *args: str, code: int) -> Done:
        """Run `keyhole refresh` in the namespace unless the arguments say where, and check the exit code."""
        return self._run("refresh", *args, code=code)

    @contextlib.contextmanager
    def watching(self) -> Iterator["subprocess.Popen[str]"]:
        """Run `keyhole status --watch` until the end of the block."""
        command = [sys.executable, "-m", "cli", "status", "--watch", "-n", self.namespace]
        with subprocess.Popen(
            command, cwd=_ROOT, env=self._environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _run(self, *args: str, code: int | None, **variables: str) -> Done:
        where = () if {"-n", "-A"} & set(args) else ("-n", self.namespace)
        done = self._runner([*args, *where], self._environment(variables))
        self._places.note(f"keyhole {args[0]}: stdout", done.stdout)
        self._places.note(f"keyhole {args[0]}: stderr", done.stderr)
        assert code is None or done.returncode == code, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        vault, kubeconfig = self._bed.vault, str(self._bed.kubernetes.kubeconfig)
        own = {"VAULT_ADDR": vault.url, "VAULT_CACERT": str(vault.ca_file), "VAULT_TOKEN": self._token}
        return {"HOME": str(self._home), "PATH": os.environ["PATH"], "KUBECONFIG": kubeconfig, **own, **variables}
