"""What can go wrong outside admission. No message quotes the content of a manifest's fields."""


class EnforcerError(Exception):
    """The root. `message` is safe to show."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TenantRefused(EnforcerError):
    """A namespace or an account that no tenant can have."""


class ManifestsUnreadable(EnforcerError):
    """A file or folder that holds no manifests that can be read; `source` names it."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source
        self.problem = problem


class PathRefused(EnforcerError):
    """A path that cannot stand in a policy; `path` is as it was given."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class MountUnknown(EnforcerError):
    """Nobody said of which KV version the mount of a path is; `place` is where the path stands, if in a manifest."""

    def __init__(self, path: str, place: str | None = None) -> None:
        first = path.partition("/")[0]
        ways = f"--kv {first}=2 (or 1; a mount may have further segments), or mounts in the connections file"
        where = f"{place}: " if place else ""
        super().__init__(f"{where}{path}: the KV version of its mount is not known; give {ways}")
        self.path = path
        self.place = place


class RoleRefused(EnforcerError):
    """The connection's role does not fit what was asked for."""
