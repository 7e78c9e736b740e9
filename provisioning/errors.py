"""What can go wrong when a tenant is set up. No message quotes the content of a manifest's fields."""


class EnforcerError(Exception):
    """The root. `message` is safe to show."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TenantRefused(EnforcerError):
    """A namespace or an account that a tenant cannot have."""


class ManifestsUnreadable(EnforcerError):
    """A file or folder without readable manifests; `source` names it."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source
        self.problem = problem


class PathRefused(EnforcerError):
    """A path that a policy cannot name; `path` is as it was given."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class MountUnknown(EnforcerError):
    """The KV version of a path's mount is not known. `place` is where a manifest has the path, if one does."""

    def __init__(self, path: str, place: str | None = None) -> None:
        first = path.partition("/")[0]
        ways = f"--kv {first}=2 (or 1; a mount may have further segments), or mounts in the connections file"
        where = f"{place}: " if place else ""
        super().__init__(f"{where}{path}: the KV version of its mount is not known; give {ways}")
        self.path = path
        self.place = place


class RoleRefused(EnforcerError):
    """The role of the connection does not fit the request."""


class NothingToReview(EnforcerError):
    """No known mount shows names without values."""

    def __init__(self) -> None:
        super().__init__("a review needs a KV v2 mount: give --kv secret=2, or mounts in the connections file")
