"""Events about objects, for whoever runs `kubectl describe` or `kubectl events`.

Source: Kubernetes, events.k8s.io/v1: an Event lies in the namespace of its object; `note` has at most 1 KiB, `reason`,
`action` and `reportingInstance` at most 128 characters.
"""

import secrets as random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kubernetes import client

from kube.client import ask
from kube.objects import Metadata

CONTROLLER: Final = "keyhole.dev/controller"
MOST_NOTE_BYTES: Final = 1024
_MOST_CHARACTERS: Final = 128
_CUT: Final = "…"
# Names are DNS subdomains of at most 253 characters. What is appended takes 17.
_MOST_NAME_CHARACTERS: Final = 230


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to an object. `reason` is a word in UpperCamelCase; a longer `note` is cut."""

    about: Metadata
    kind: str
    api_version: str
    reason: str
    note: str
    is_warning: bool = False


class Events:
    """Creates Events, with the rights of the client's account. `instance` is the process that reports them."""

    def __init__(self, api: client.ApiClient, instance: str) -> None:
        self._events = client.EventsV1Api(api)
        self._instance = instance[:_MOST_CHARACTERS]

    def create(self, event: Event, timeout_seconds: float) -> None:
        """Create the Event, with the time of now.

        Raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when the API server refuses it: 403 without
        the right to, or in a namespace that is being deleted.
        """
        about = event.about.name
        now = datetime.now(UTC)
        regarding = {
            "apiVersion": event.api_version,
            "kind": event.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": event.about.uid,
        }
        document: Any = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": about.namespace, "name": _name(about.name)},
            # The API server wants the fraction, and the package leaves it out where it is zero.
            "eventTime": now.replace(microsecond=now.microsecond or 1).isoformat(),
            "regarding": regarding,
            "type": "Warning" if event.is_warning else "Normal",
            "reason": event.reason[:_MOST_CHARACTERS],
            "action": "Follow",
            "note": cut(event.note),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
        }
        ask(
            f"creating an Event about {about}",
            lambda: self._events.create_namespaced_event(
                about.namespace, document, _request_timeout=timeout_seconds, _preload_content=False
            ),
        )


def cut(note: str) -> str:
    """Return a note that the API server accepts; a longer one ends with an ellipsis."""
    content = note.encode(errors="replace")
    if len(content) > MOST_NOTE_BYTES:
        content = content[: MOST_NOTE_BYTES - len(_CUT.encode())]
        return content.decode(errors="ignore") + _CUT
    return content.decode()


def _name(about: str) -> str:
    beginning = about[:_MOST_NAME_CHARACTERS].rstrip("-.")
    return f"{beginning}.{random.token_hex(8)}"
