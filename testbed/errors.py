"""What can go wrong with the testbed. Messages are for a person at a terminal and carry what to do next."""

from pathlib import Path
from typing import ClassVar


class TestbedError(Exception):
    """The root of the testbed's errors."""

    __test__: ClassVar[bool] = False  # or pytest would take the name for a class of tests


class ProgramUnfit(TestbedError):
    """A program was named explicitly, and cannot be run. `program` is its name, `path` what was named."""

    def __init__(self, program: str, path: str, variable: str) -> None:
        super().__init__(f"{variable} names {path}, which is not a file that can be executed")
        self.program = program
        self.path = path


class FolderMissing(TestbedError):
    """The folder with ready-made programs is none. `folder` is what was named."""

    def __init__(self, folder: str, variable: str) -> None:
        super().__init__(f"{variable} names {folder}, which is not a folder")
        self.folder = folder


class AuthMethodMissing(TestbedError):
    """A ready-made Vault lacks an auth method, as one that is built with the tag `minimal` does."""

    def __init__(self, program: Path, method: str) -> None:
        super().__init__(f"the Vault at {program} lacks the auth method {method}, which official ones have")


class GoMissing(TestbedError):
    """No fit program was found and there is no Go to build one. `program` is its name."""

    def __init__(self, program: str, go_version: str, variable: str) -> None:
        super().__init__(
            f"{program} was not found and cannot be built: there is no `go` on PATH. Install Go {go_version} or "
            f"later (any Go from 1.21 on fetches it by itself), or set {variable} to a ready-made {program}."
        )
        self.program = program


class ProgramMissing(TestbedError):
    """No fit program was found, and it is none that can be built. `program` is its name."""

    def __init__(self, program: str, wanted: str, install: str, variable: str) -> None:
        super().__init__(
            f"{program} ({wanted}) was not found, and the testbed cannot build it. Install it ({install}), "
            f"or set {variable} to a ready-made {program}."
        )
        self.program = program


class BuildFailed(TestbedError):
    """`go build` failed. `program` is its name, `log_file` the whole output, of which the message has the end."""

    def __init__(self, program: str, log_file: Path, log_tail: str, go_version: str, variable: str) -> None:
        super().__init__(
            f"building {program} failed; the end of {log_file}:\n{log_tail}\n"
            f"It needs Go {go_version} or later and a Go module proxy (GOPROXY). "
            f"Or set {variable} to a ready-made {program}."
        )
        self.program = program
        self.log_file = log_file


class FetchFailed(TestbedError):
    """Files of a Go module could not be fetched. `path` is the module's."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"fetching {path} failed: {reason}\nIt needs Go and a Go module proxy (GOPROXY).")
        self.path = path


class ServerFailed(TestbedError):
    """A server died or was not ready in time. `server` is its name, `log_file` its log, `reason` what happened."""

    def __init__(self, server: str, reason: str, log_file: Path, log_tail: str) -> None:
        super().__init__(f"{server} {reason}; the end of {log_file}:\n{log_tail}")
        self.server = server
        self.reason = reason
        self.log_file = log_file


class PortTaken(ServerFailed):
    """A server found its port taken by somebody else between our choosing it and its listening."""


class GuardianLost(TestbedError):
    """The process that starts and stops the servers is gone, and the servers with it."""


class CrowdFailed(TestbedError):
    """A process full of clients did not start, was not answered, or died; the message says which."""
