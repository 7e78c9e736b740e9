"""A client of the API server, what its errors mean, and answers that are read in bounded memory."""

import contextlib
import errno
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeVar

import urllib3.exceptions
import yaml
from kubernetes import client, config
from kubernetes.config import kube_config

from kube.documents import Document, parsed, text
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.instrumented import InstrumentedClient, Observe, null_observer
from kube.warning_header import texts

_T = TypeVar("_T")
# Errors of this process, which no server causes.
_MOST_DIGITS: Final = 6
_OF_THIS_PROCESS = frozenset({errno.EMFILE, errno.ENFILE})
# The package checks little of a kubeconfig, and falls over whatever else it finds in there.
_NO_KUBECONFIG: Final = (
    *(config.ConfigException, yaml.YAMLError, OSError),
    *(ValueError, TypeError, KeyError, AttributeError),
)


def connect(
    kubeconfig: Path | None = None, context: str | None = None, observe: Observe = null_observer
) -> client.ApiClient:
    """Return a client for the cluster that this process runs in, or for a kubeconfig.

    To be called after a fork: connections are made when they are needed, and kept. `observe` is told of each request.
    Raises `KubernetesUnavailable` when there is neither.
    """
    configuration = client.Configuration()
    if kubeconfig is not None:
        with _reading(kubeconfig):
            config.load_kube_config(str(kubeconfig), context, client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException:
            raise KubernetesUnavailable("is not known: outside a cluster, give --kubeconfig FILE") from None
    # The client would retry by itself, beyond our deadlines.
    configuration.retries = False
    return InstrumentedClient(configuration, observe)


def namespace_of(kubeconfig: Path, context: str | None = None) -> str:
    """Return the namespace of a kubeconfig's context: of this one, or of the current one.

    Raises `KubernetesUnavailable` when there is no such context.
    """
    with _reading(kubeconfig):
        contexts, current = config.list_kube_config_contexts(str(kubeconfig))  # type: ignore[no-untyped-call]
        named = current if context is None else next((one for one in contexts if one["name"] == context), None)
        if named is None:
            raise KubernetesUnavailable(f"is not known: kubeconfig {kubeconfig} has no context {context!r}")
        return str(named["context"].get("namespace") or "default")


def check(kubeconfig: Path | None = None) -> None:
    """Check that `connect` will find what it needs, without its side effects. Raises `KubernetesUnavailable`.

    For a process that is about to fork: the kubernetes package keeps the certificates of a kubeconfig in temporary
    files, remembers them, and deletes them when any process that inherited the memory ends.
    """
    if kubeconfig is None:
        connect(None)
        return
    with _reading(kubeconfig):
        config.list_kube_config_contexts(str(kubeconfig))  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def _reading(kubeconfig: Path) -> Iterator[None]:
    """Turn what the package raises for a file that is no kubeconfig into `KubernetesUnavailable`."""
    try:
        yield
    except _NO_KUBECONFIG:
        raise KubernetesUnavailable(f"is not known: kubeconfig {kubeconfig} cannot be used") from None


@contextlib.contextmanager
def connected_before_fork(kubeconfig: Path | None = None) -> Iterator[client.ApiClient]:
    """Provide a client like `connect`, and leave nothing behind for processes that are forked later; see `check`."""
    api = connect(kubeconfig)
    try:
        yield api
    finally:
        api.close()  # type: ignore[no-untyped-call]
        # The package has no public function for it.
        kube_config._cleanup_temp_files()  # type: ignore[no-untyped-call]  # noqa: SLF001


def without_credentials(api: client.ApiClient) -> client.Configuration:
    """Return how to reach the same API server, without anything that says who asks."""
    known, own = api.configuration, client.Configuration()
    for name in ("host", "ssl_ca_cert", "verify_ssl", "tls_server_name", "assert_hostname", "proxy", "no_proxy"):
        setattr(own, name, getattr(known, name))
    own.retries = False
    return own


def call(purpose: str, request: Callable[[], _T]) -> _T:
    """Run one request of the kubernetes package and return its result. `purpose` is for errors.

    Raises `KubernetesUnavailable` (no answer, one that cannot be read, 429, 5xx), `Conflict` (409), or another
    `KubernetesError`.
    """
    try:
        return request()
    except client.ApiException as error:
        status, refused = error.status or 0, error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise KubernetesUnavailable(_unasked(error)) from None
    except ValueError:
        # The package's models refuse what they do not expect, and their errors quote it.
        raise KubernetesUnavailable("sent an answer that cannot be read") from None
    if status == 0:
        # This is how the package reports a TLS error.
        raise KubernetesUnavailable("could not be reached: TLS failed")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise KubernetesUnavailable(f"could not answer (status {status})", status, _retry_after_seconds(refused))
    if status == HTTPStatus.CONFLICT:
        raise Conflict(purpose, status)
    raise KubernetesError(purpose, status, by_admission=_is_by_admission(refused))


def _retry_after_seconds(error: client.ApiException) -> float | None:
    """Return what the header says. The API server sends seconds, and no date."""
    told = (error.headers or {}).get("Retry-After", "")
    return float(told) if told.isdecimal() and len(told) < _MOST_DIGITS else None


def _is_by_admission(error: client.ApiException) -> bool:
    """Whether a webhook or a ValidatingAdmissionPolicy refused it. Nothing of the message gets any further."""
    try:
        message = text(parsed((error.body or "").encode()), "message")
    except (KubernetesUnavailable, AttributeError):
        return False
    return message.startswith("admission webhook ") or "ValidatingAdmissionPolicy " in message


def _unasked(error: BaseException) -> str:
    """Return why there was no answer: not every OSError comes from the network."""
    if isinstance(error, OSError) and error.filename is not None:
        # The package reads the ServiceAccount's token again before a request.
        return f"was not asked: Keyhole cannot read {error.filename} ({error.strerror})"
    causes = [error, *error.args, error.__cause__, error.__context__, getattr(error, "reason", None)]
    if any(isinstance(cause, OSError) and cause.errno in _OF_THIS_PROCESS for cause in causes):
        return "was not asked: Keyhole has no file descriptor left"
    return "did not answer"


# Far more than one object can have: etcd accepts 1.5 MiB, which is at most six times as long in JSON.
MOST_BYTES: Final = 16 * 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024


def ask(purpose: str, request: Callable[[], Any]) -> Document:
    """Send a request made with `_preload_content=False`, and return the document in the answer.

    Raises what `kube.client.call` raises, and `KubernetesUnavailable` when the answer is no JSON object or has more
    than `MOST_BYTES`.
    """
    return ask_with_warnings(purpose, request)[0]


def ask_with_warnings(purpose: str, request: Callable[[], Any]) -> tuple[Document, tuple[str, ...]]:
    """Send a request like `ask`, and return the document and the texts of the answer's warnings. Raises as `ask`."""

    def answered() -> tuple[bytes, tuple[str, ...]]:
        response = request()
        return beginning(response, MOST_BYTES + 1), texts(response.headers.getlist("Warning"))

    content, warnings = call(purpose, answered)
    if len(content) > MOST_BYTES:
        raise KubernetesUnavailable(f"sent more than {MOST_BYTES} bytes")
    return parsed(content), warnings


def beginning(response: Any, most_bytes: int) -> bytes:
    """Return the first bytes of a urllib3 response, and close its connection if there are more."""
    pieces: list[bytes] = []
    left = most_bytes
    while left > 0:
        piece: bytes = response.read(min(left, _PIECE_BYTES))
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        left -= len(piece)
    response.close()
    return b"".join(pieces)
