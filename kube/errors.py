"""What can go wrong between Keyhole and the API server. No error contains the server's response body."""


class KubernetesError(Exception):
    """The API server refused a request; `status` is the HTTP status.

    `by_admission` says that a webhook or a policy refused it, as far as that is known, and no right was lacking.
    """

    def __init__(self, purpose: str, status: int, *, by_admission: bool = False) -> None:
        super().__init__(f"the API server refused {purpose} (status {status})")
        self.purpose = purpose
        self.status = status
        self.by_admission = by_admission


class Conflict(KubernetesError):
    """The object has changed since it was read: somebody else was faster."""


class KubernetesUnavailable(Exception):
    """The API server could not be reached, or could not answer; `how` says which.

    `status` is the HTTP status of its answer, 0 without one. `retry_after_seconds` is when it wants to be asked again
    (RFC 9110, 10.2.3); None if it does not say.
    """

    def __init__(self, how: str, status: int = 0, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"the Kubernetes API server {how}")
        self.how = how
        self.status = status
        self.retry_after_seconds = retry_after_seconds
