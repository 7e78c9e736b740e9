"""Which admission a line of the log belongs to. Each greenlet, and each thread, has its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from webhook.review import AdmissionRequest

_NONE: Mapping[str, str] = MappingProxyType({})
_current: ContextVar[Mapping[str, str]] = ContextVar("admission", default=_NONE)


@contextmanager
def admission_context(request: AdmissionRequest) -> Iterator[None]:
    """Let every line that is logged in the block name the request: its uid, and the object as far as it has a name."""
    facts = {
        "uid": request.uid,
        "operation": request.operation,
        "kind": request.kind,
        "namespace": request.namespace,
        "object": request.name,
    }
    if request.dry_run:
        facts["dry_run"] = "true"
    token = _current.set({name: fact for name, fact in facts.items() if fact})
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Mapping[str, str]:
    """Return what is known of the admission that is under way here; nothing outside of one."""
    return _current.get()
