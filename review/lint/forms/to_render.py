"""References in files of Cloud Foundry and Compose, which hand them on as they are unless somebody renders the file."""

from typing import Final

from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import has_reference, parse_value
from review.lint.catalogue import MALFORMED, TO_RENDER
from review.lint.forms.seen import Seen
from review.lint.objects import Manifest
from review.rendering.yaml_files import LIST, MAP, Kind, kind_of
from review.sources.walk import texts

_NAMES: Final = {Kind.CLOUD_FOUNDRY: "Cloud Foundry", Kind.COMPOSE: "Compose"}


def to_render(manifest: Manifest, seen: Seen) -> None:
    """Add what is to be said of the references in a document that is no object of Kubernetes."""
    content = manifest.content
    if manifest.root or not isinstance(content, dict):
        return
    services = content.get("services")
    each = services.values() if isinstance(services, dict) else ()
    of_services = {str(key) for service in each if isinstance(service, dict) for key in service}
    kind = kind_of({str(key): _told(value) for key, value in content.items()}, of_services)
    if kind not in _NAMES:
        return
    for path, text in texts(content):
        if kind.is_name(path) or "vault" not in text or not has_reference(text):
            continue
        try:
            parse_value(text)
        except ReferenceSyntaxError as error:
            seen.tell(manifest, MALFORMED, path, error.message)
            continue
        message = f"{_NAMES[kind]} replaces no reference, and hands its text to the app unless the file is rendered"
        seen.tell(manifest, TO_RENDER, path, kind.bars(path, text) or message)


def _told(value: object) -> str:
    return MAP if isinstance(value, dict) else LIST if isinstance(value, list) else ""
