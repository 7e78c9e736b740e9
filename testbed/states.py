"""What is written down of a testbed that stays up, and where."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from testbed.bed import Testbed
from testbed.servers.pki import write_private


@dataclass(frozen=True)
class RunningServer:
    """What `status` says of one server."""

    name: str
    pid: int
    url: str
    log_file: str


@dataclass(frozen=True)
class State:
    """What the owner writes down when all servers answer. It holds Vault's root token, hence the file's mode 0600."""

    name: str
    owner_pid: int
    directory: str
    kubeconfig: str
    vault_address: str
    vault_ca_file: str
    vault_token: str = dataclasses.field(repr=False)
    programs: str
    servers: tuple[RunningServer, ...]

    @classmethod
    def of(cls, name: str, bed: Testbed) -> Self:
        """Describe a started testbed, and link its programs into a folder that `environment` puts on the PATH."""
        programs = bed.directory / "bin"
        programs.mkdir()
        for program in ("kubectl", "vault"):
            (programs / program).symlink_to(bed.program(program))
        urls = {"kube-apiserver": bed.kubernetes.url, "vault": bed.vault.url}
        return cls(
            name=name,
            owner_pid=os.getpid(),
            directory=str(bed.directory),
            kubeconfig=str(bed.kubernetes.kubeconfig),
            vault_address=bed.vault.url,
            vault_ca_file=str(bed.vault.ca_file),
            vault_token=bed.vault.root_token,
            programs=str(programs),
            servers=tuple(
                RunningServer(server.name, server.pid, urls.get(server.name, ""), str(server.log_file))
                for server in bed.servers()
            ),
        )

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Return what `write` wrote, or None when there is no such file."""
        try:
            document = json.loads(file.read_text())
        except FileNotFoundError:
            return None
        servers = tuple(RunningServer(**server) for server in document.pop("servers"))
        return cls(**document, servers=servers)

    def write(self, file: Path) -> None:
        """Write the file with mode 0600; a reader sees all of it or none."""
        text = json.dumps(dataclasses.asdict(self), indent=2)
        write_private(file.with_suffix(".new"), text.encode()).rename(file)

    def public(self) -> dict[str, object]:
        """Return everything but the token."""
        document = dataclasses.asdict(self)
        del document["vault_token"]
        return document

    def environment(self, path: str) -> dict[str, str]:
        """Return the variables that point kubectl, vault and helm at this testbed; `path` is the PATH to put before."""
        return {
            "KUBECONFIG": self.kubeconfig,
            "VAULT_ADDR": self.vault_address,
            "VAULT_CACERT": self.vault_ca_file,
            "VAULT_TOKEN": self.vault_token,
            "PATH": f"{self.programs}{os.pathsep}{path}",
        }


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of all named testbeds."""
    base = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base).expanduser().absolute() / "keyhole-testbed"
