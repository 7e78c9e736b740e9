"""Where the references of a field ended up in its value.

A reference in place is gone once its value stands there. Spans say which part of the value came from which reference,
so that the reference can be put back around the same text, and hold no byte of the value themselves.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from manifests.filling import DockerConfig, Filling, Registry
from resolver import jsontext
from resolver.grammar import Placed, Reference, Template
from resolver.value import SecretValue

_IN_AUTH = ("username", "password")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of a text (UTF-8) stand for `reference`.

    `place` is empty for the field's own text; in a docker configuration it says which registry, counted from 0 in the
    order of `auths`, and which credential: "0/password", or "0/auth/password" for one that stands in `auth` alone.
    """

    start: int
    end: int
    reference: Reference
    place: str = ""


def spans_of(filling: Filling, values: Mapping[Reference, SecretValue]) -> tuple[Span, ...]:
    """Return where the values stand once the filling is rendered with them."""
    if isinstance(filling, DockerConfig):
        hosts = list(filling.hosts)
        return tuple(
            span
            for host, registry in filling.registries.items()
            for name, template in registry.templates.items()
            for span in _spans(template, values, _place(hosts.index(host), name, registry))
        )
    if isinstance(filling, Template):
        return tuple(_spans(filling, values, ""))
    raise TypeError


def values_in(spans: Sequence[Span], value: SecretValue) -> dict[Reference, SecretValue] | None:
    """Return what stands in a value for each reference; None when the spans do not lie within it."""
    found: dict[Reference, SecretValue] = {}
    for place, group in groupby(spans, lambda span: span.place):
        text = _text_at(place, value.reveal())
        for span in group:
            if text is None or not 0 <= span.start <= span.end <= len(text):
                return None
            found[span.reference] = SecretValue(text[span.start : span.end])
    return found


def restored(spans: Sequence[Span], value: SecretValue) -> Filling | None:
    """Put the references back into a value; None when the spans do not fit it."""
    templates: dict[str, Template] = {}
    for place, group in groupby(spans, lambda span: span.place):
        text = _text_at(place, value.reveal())
        template = None if text is None else _template(text, list(group))
        if template is None:
            return None
        templates[place] = template
    if not templates:
        return None
    return templates[""] if templates.keys() == {""} else _docker_config(templates, value.reveal())


def _spans(template: Template, values: Mapping[Reference, SecretValue], place: str) -> Iterator[Span]:
    position = 0
    for piece in template.pieces():
        if isinstance(piece, str):
            position += len(piece.encode())
        else:
            end = position + len(values[piece].reveal())
            yield Span(position, end, piece, place)
            position = end


def _template(text: bytes, spans: Sequence[Span]) -> Template | None:
    parts: list[str] = []
    placed: list[Placed] = []
    position = written = 0
    for span in spans:
        if not position <= span.start <= span.end <= len(text):
            return None
        try:
            literal = text[position : span.start].decode()
        except UnicodeDecodeError:
            return None
        inline = f"(({span.reference}))"
        start = written + len(literal)
        placed.append(Placed(span.reference, start, start + len(inline)))
        parts += [literal, inline]
        written = start + len(inline)
        position = span.end
    try:
        parts.append(text[position:].decode())
    except UnicodeDecodeError:
        return None
    return Template("".join(parts), tuple(placed))


def _place(index: int, name: str, registry: Registry) -> str:
    return f"{index}/auth/{name}" if registry.only_in_auth else f"{index}/{name}"


def _text_at(place: str, value: bytes) -> bytes | None:
    if not place:
        return value
    index, _, name = place.partition("/")
    entries = list(_registries(value).values())
    if not index.isdecimal() or int(index) >= len(entries):
        return None
    entry = entries[int(index)]
    if not isinstance(entry, dict):
        return None
    if name.startswith("auth/"):
        return _credential(jsontext.text(entry.get("auth")), name.removeprefix("auth/"))
    text = jsontext.text(entry.get(name))
    return None if text is None else text.encode()


def _credential(auth: str | None, name: str) -> bytes | None:
    try:
        username, _, password = base64.b64decode(auth or "", validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return {"username": username, "password": password}.get(name)


def _docker_config(templates: Mapping[str, Template], value: bytes) -> DockerConfig | None:
    document = _document(value)
    hosts = list(_registries(value))
    registries: dict[str, Registry] = {}
    for index, group in groupby(templates, lambda place: place.partition("/")[0]):
        names = [place.partition("/")[2] for place in group]
        only_in_auth = all(name.startswith("auth/") for name in names)
        own = {name.removeprefix("auth/"): templates[f"{index}/{name}"] for name in names}
        if only_in_auth:
            # Both parts are rendered together, also the one that holds no reference.
            plain = {name: _template(_text_at(f"{index}/auth/{name}", value) or b"", ()) for name in _IN_AUTH}
            own = {name: template for name in _IN_AUTH if (template := own.get(name) or plain[name])}
        registries[hosts[int(index)]] = Registry(own, only_in_auth)
    return DockerConfig(document, registries) if document is not None else None


def _document(value: bytes) -> Mapping[str, jsontext.JsonValue] | None:
    try:
        document = jsontext.parse(value)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _registries(value: bytes) -> Mapping[str, jsontext.JsonValue]:
    auths = (_document(value) or {}).get("auths")
    return auths if isinstance(auths, dict) else {}
