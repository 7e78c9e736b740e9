"""Where the demo plays: the servers, the tenant and Keyhole itself."""

import contextlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from demo.shell import Shell
from demo.values import Values
from testbed import Options, Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook, controlling
from testbed.programs.reports import on_standard_error
from testbed.servers.pki import write_private
from testbed.states import State

# Nobody watches a demo for a minute.
_INTERVAL_SECONDS = 2


@contextlib.contextmanager
def working_directory() -> Iterator[Path]:
    """Make a directory for logs and data; it stays after an error, which says where, and goes otherwise."""
    directory = Path(tempfile.mkdtemp(prefix="keyhole-demo-")).resolve()
    try:
        yield directory
    except Exception as error:
        error.add_note(f"the logs are in {directory}")
        raise
    except BaseException:  # Ctrl-C and the like: nobody asks for logs
        shutil.rmtree(directory, ignore_errors=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


def prepared_bed(directory: Path) -> Testbed:
    """Return a testbed that is not started yet, its programs found or, with progress on stderr, built."""
    bed = Testbed(Options(directory=directory, name="demo", controller_manager=True), on_standard_error())
    bed.ensure_programs()
    return bed


def open_namespace(shell: Shell) -> None:
    """Make the namespace `shop` and tell Vault what it may read, from the files of `examples`."""
    shell.show_kubectl("apply", "-k", "examples/platform")
    shell.show_vault("policy", "write", "keyhole-shop", "examples/vault/policy.hcl")
    shell.show_vault("write", "auth/jwt/role/keyhole-shop", "@examples/vault/role.json")


def fill_vault(shell: Shell, values: Values) -> None:
    """Put the values into Vault, through stdin: what stands on a command line, every process can read."""
    for path, fields in values.in_vault.items():
        document = {field: value.reveal_text() for field, value in fields.items()}
        shell.show_vault("kv", "put", path, "-", input_text=json.dumps(document))


@contextlib.contextmanager
def keyhole(bed: Testbed, directory: Path) -> Iterator[Webhook]:
    """Serve Keyhole as in production, behind the API server's aggregation layer, until the block ends."""
    directory.mkdir(mode=0o700)
    connections = write_connections(bed, directory / "connections.yaml", followIntervalSeconds=_INTERVAL_SECONDS)
    with (
        serving_aggregated(bed, directory, connections, arguments=["--variables"]) as webhook,
        aggregated(bed, webhook, variables=True),
    ):
        yield webhook


@contextlib.contextmanager
def controller(bed: Testbed, directory: Path) -> Iterator[None]:
    """Run Keyhole's controller with the webhook's connections, until the block ends."""
    with controlling(bed, directory, arguments=("--variables", "--connections", str(directory / "connections.yaml"))):
        yield


def write_environment(bed: Testbed, path: str) -> Path:
    """Write the shell lines that point kubectl and vault at the testbed, mode 0600: they hold Vault's root token."""
    variables = State.of("demo", bed).environment(path)
    lines = "".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())
    return write_private(bed.directory / "environment", lines.encode())
