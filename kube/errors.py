"""What can go wrong between Keyhole and the API server. No error carries the server's response body."""


class KubernetesError(Exception):
    """The API server refused; `status` is its HTTP status."""

    def __init__(self, purpose: str, status: int) -> None:
        super().__init__(f"the API server refused {purpose} (status {status})")
        self.purpose = purpose
        self.status = status


class Conflict(KubernetesError):
    """The object is not any more what the change was made for: somebody else was faster."""


class KubernetesUnavailable(Exception):
    """The API server could not be asked, or could not answer now; `how` says which."""

    def __init__(self, how: str) -> None:
        super().__init__(f"the Kubernetes API server {how}")
        self.how = how
