"""The demo from the first server to the last."""

import contextlib
import os
import shlex
import sys
from functools import partial
from pathlib import Path

from demo import stage
from demo.chapters import Chapters
from demo.claims import Claims
from demo.clock import Clock
from demo.errors import DemoError
from demo.git import manifests
from demo.screen import Screen
from demo.shell import Shell
from demo.values import made_up
from manifests.registration.api_service import GROUP, VERSION
from testbed import Testbed
from testbed.keyhole.installation import Webhook

# Relative, as they are shown: the demo runs in the checkout.
_GOOD = Path("examples/base")
_BAD = Path("examples/bad")


class Story:
    """One run. `show` leaves the values unmasked, `keep` leaves the servers up until Enter."""

    def __init__(self, screen: Screen, *, show: bool, keep: bool) -> None:
        self._screen = screen
        self._show = show
        self._keep = keep
        self._claims = Claims(screen)
        self._clock = Clock()
        self._values = made_up()
        self._good = manifests(_GOOD)

    def tell(self) -> None:
        """Start everything, show everything, stop everything.

        Raises DemoError when something that was claimed is not so, TestbedError when a server fails; whatever is
        raised, nothing is left running.
        """
        self._check_examples()
        self._screen.title("Keyhole: Git holds references, Vault holds values, the cluster gets the values")
        with stage.working_directory() as directory:
            with contextlib.ExitStack() as stack:
                self._play(directory, stack)
                self._screen.chapter("Everything stops")
            self._clock.lap("stop everything")
            self._screen.durations(self._clock.seconds, self._clock.total_seconds)
            count = self._claims.conclude()
            self._screen.conclusion(f"All {count} claims hold, and nothing is left running.")

    def _check_examples(self) -> None:
        found = {(entry.secret, entry.key) for manifest in self._good for entry in manifest.entries}
        unlike = ", ".join(f"{secret}/{key}" for secret, key in sorted(found ^ self._values.expected.keys()))
        if unlike:
            raise DemoError(f"{_GOOD} and demo/values.py, which knows what is to come of it, differ in: {unlike}")

    def _play(self, directory: Path, stack: contextlib.ExitStack) -> None:
        bed = self._start_servers(directory, stack)
        self._open_namespace(Shell(bed, self._screen))
        webhook = self._start_keyhole(bed, directory, stack)
        self._start_controller(bed, directory, stack)
        chapters = Chapters(bed, self._screen, self._claims, self._values, self._good, show=self._show)
        mask = "SHOW=1 is set: the values are shown" if self._show else "masked; SHOW=1 shows the values"
        for part, heading, chapter in (
            ("dry run", "A dry run: what a reviewer or a GitOps controller sees", chapters.dry_run),
            ("apply", "The real thing", chapters.apply),
            ("compare", f"What Git holds and what the cluster holds ({mask})", chapters.side_by_side),
            ("rotate", "A value changes in Vault, and nobody does anything", chapters.rotate),
            ("forge", "Nobody but the API server is answered", partial(chapters.forge, webhook)),
            ("search", "Where no value stands", partial(chapters.elsewhere, webhook.log_file)),
            ("variables", "Variables of a workload: no value, and no Secret, stands in Git", chapters.variables),
            (
                "bad references",
                "Bad references are refused, and every bad field is named",
                partial(chapters.refuse, manifests(_BAD)),
            ),
        ):
            self._screen.chapter(heading)
            chapter()
            self._clock.lap(part)
        if self._keep:
            self._wait_for_enter(bed)

    def _start_servers(self, directory: Path, stack: contextlib.ExitStack) -> Testbed:
        self._screen.chapter("A real API server and a real Vault")
        bed = stage.prepared_bed(directory / "testbed")
        self._clock.lap("find or build the servers")
        with self._screen.waiting("starting etcd, kube-apiserver and Vault"):
            stack.enter_context(bed)
        versions = bed.versions()
        names = ("kube-apiserver", "etcd", "vault")
        self._screen.say(", ".join(f"{name} {versions[name] or ''}".strip() for name in names) + ", on 127.0.0.1")
        self._clock.lap("start the servers")
        return bed

    def _open_namespace(self, shell: Shell) -> None:
        self._screen.chapter("Once for each namespace: who may read what in Vault")
        stage.open_namespace(shell)
        self._screen.say("The values, made up in this moment, come through stdin:")
        stage.fill_vault(shell, self._values)
        self._clock.lap("namespace, policy, role, values")

    def _start_keyhole(self, bed: Testbed, directory: Path, stack: contextlib.ExitStack) -> Webhook:
        self._screen.chapter("Keyhole serves")
        with self._screen.waiting("starting keyhole serve"):
            webhook = stack.enter_context(stage.keyhole(bed, directory / "keyhole"))
        self._screen.say("keyhole serve: 2 workers, TLS, with the rights of its own ServiceAccount.")
        self._screen.say("The API server asks it about each Secret, and stores none while it is away.")
        self._screen.say("It does so through its aggregation layer, with a certificate that nobody else has.")
        shell = Shell(bed, self._screen)
        self._screen.output(shell.show_kubectl("get", "apiservice", f"{VERSION}.{GROUP}"))
        self._clock.lap("start Keyhole")
        return webhook

    def _start_controller(self, bed: Testbed, directory: Path, stack: contextlib.ExitStack) -> None:
        stack.enter_context(stage.controller(bed, directory / "keyhole"))
        self._screen.say("keyhole controller: asks Vault every two seconds what has changed; a minute is usual.")
        self._clock.lap("start the controller")

    def _wait_for_enter(self, bed: Testbed) -> None:
        # `keyhole` stands beside this Python.
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
        file = stage.write_environment(bed, path)
        self._screen.chapter("Try it yourself")
        self._screen.say("In another terminal, in this folder:")
        for command in (
            f". {shlex.quote(str(file))}",
            "kubectl get secret database -n shop -o yaml",
            "vault kv patch secret/shop/database password=rotated",
            "keyhole status -n shop",
            "kubectl get replicasets -n shop",
            "kubectl edit secret database -n shop",
        ):
            self._screen.command(command)
        self._screen.say("Enter stops everything.")
        with contextlib.suppress(EOFError):
            input()
        self._clock.lap("wait for Enter")
