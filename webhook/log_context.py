"""Which admission a line of the log belongs to. Each greenlet, and each thread, has its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from webhook.review import AdmissionRequest

# More than any name in Kubernetes has. A mutating webhook is asked before names are checked.
_MOST_CHARACTERS: Final = 1024
_current: ContextVar[AdmissionRequest | None] = ContextVar("admission", default=None)


@contextmanager
def admission_context(request: AdmissionRequest) -> Iterator[None]:
    """Let every line that is logged in the block name the request."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Mapping[str, str]:
    """Return what names the admission that is under way here: its uid, and the object as far as it has a name."""
    request = _current.get()
    if request is None:
        return {}
    facts = {
        "uid": request.uid,
        "operation": request.operation,
        "kind": request.kind,
        "namespace": request.namespace,
        "object": request.name,
        "dry_run": "true" if request.dry_run else "",
    }
    return {name: fact[:_MOST_CHARACTERS] for name, fact in facts.items() if fact}
