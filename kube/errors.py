"""What can go wrong between Keyhole and the API server. No error contains the server's response body."""


class KubernetesError(Exception):
    """The API server refused a request; `status` is the HTTP status."""

    def __init__(self, purpose: str, status: int) -> None:
        super().__init__(f"the API server refused {purpose} (status {status})")
        self.purpose = purpose
        self.status = status


class Conflict(KubernetesError):
    """The object has changed since it was read: somebody else was faster."""


class KubernetesUnavailable(Exception):
    """The API server could not be reached, or could not answer; `how` says which."""

    def __init__(self, how: str) -> None:
        super().__init__(f"the Kubernetes API server {how}")
        self.how = how
