"""Which part of a field's value came from which reference.

A reference in place is gone once its value has replaced it. Spans remember the positions, so that the references can be
put back into the same text. They contain no byte of the value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from manifests.fields.docker_config import DockerConfig, Registry, credential_in, credentials
from manifests.fields.template import FieldTemplate
from resolver.references import jsontext
from resolver.references.grammar import Placed, Reference, Template
from resolver.references.value import SecretValue

_IN_AUTH = ("username", "password")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of a text (UTF-8) came from `reference`.

    `place` is empty for the field's own text. In a docker configuration it has the number of the registry, counted from
    0 in the order of `auths`, and the credential: "0/password", or "0/auth/password" if only `auth` contains it.
    """

    start: int
    end: int
    reference: Reference
    place: str = ""


def spans_of(template: FieldTemplate, values: Mapping[Reference, SecretValue]) -> tuple[Span, ...]:
    """Return where the values are once the template is rendered with them."""
    if isinstance(template, DockerConfig):
        hosts = list(template.hosts)
        return tuple(
            span
            for host, registry in template.registries.items()
            for name, credential in registry.templates.items()
            for span in _spans(credential, values, _place(hosts.index(host), name, registry))
        )
    if isinstance(template, Template):
        return tuple(_spans(template, values, ""))
    raise TypeError


def values_in(spans: Sequence[Span], value: SecretValue) -> dict[Reference, SecretValue] | None:
    """Return the part of a value that came from each reference; None if the spans do not lie within the value."""
    found: dict[Reference, SecretValue] = {}
    texts = _Texts(value.reveal())
    for place, group in groupby(spans, lambda span: span.place):
        text, position = texts.at(place), 0
        for span in group:
            if text is None or not position <= span.start <= span.end <= len(text):
                return None
            found[span.reference] = SecretValue(text[span.start : span.end])
            position = span.end
    return found


def restored(spans: Sequence[Span], value: SecretValue) -> FieldTemplate | None:
    """Put the references back into a value; None if the spans do not fit it."""
    templates: dict[str, Template] = {}
    texts = _Texts(value.reveal())
    for place, group in groupby(spans, lambda span: span.place):
        text = texts.at(place)
        template = None if text is None else _template(text, list(group))
        if template is None:
            return None
        templates[place] = template
    if not templates:
        return None
    return templates[""] if templates.keys() == {""} else _docker_config(templates, texts)


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


class _Texts:
    """The texts within a value that spans refer to. A docker configuration is parsed once, on first use."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    @cached_property
    def document(self) -> Mapping[str, jsontext.JsonValue] | None:
        """The docker configuration; None if the value is not one."""
        try:
            document = jsontext.parse(self._value)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    @cached_property
    def hosts(self) -> Sequence[str]:
        """The registries in the order of the docker configuration."""
        return list(self._registries)

    def at(self, place: str) -> bytes | None:
        """Return the text at a span's place; None if there is none."""
        if not place:
            return self._value
        index, _, name = place.partition("/")
        if int(index) >= len(self.hosts):
            return None
        entry = self._registries[self.hosts[int(index)]]
        if not isinstance(entry, dict):
            return None
        if name.startswith("auth/"):
            return credential_in(jsontext.text(entry.get("auth")), name.removeprefix("auth/"))
        text = jsontext.text(entry.get(name))
        return None if text is None else text.encode()

    @cached_property
    def _registries(self) -> Mapping[str, jsontext.JsonValue]:
        return credentials(self.document or {})


def _docker_config(templates: Mapping[str, Template], texts: _Texts) -> DockerConfig | None:
    registries: dict[str, Registry] = {}
    for index, group in groupby(templates, lambda place: place.partition("/")[0]):
        names = [place.partition("/")[2] for place in group]
        only_in_auth = all(name.startswith("auth/") for name in names)
        own = {name.removeprefix("auth/"): templates[f"{index}/{name}"] for name in names}
        if only_in_auth:
            # The two parts are rendered together, so both are needed, even if one has no reference.
            plain = {name: _template(texts.at(f"{index}/auth/{name}") or b"", ()) for name in _IN_AUTH}
            own = {name: template for name in _IN_AUTH if (template := own.get(name) or plain[name])}
        registries[texts.hosts[int(index)]] = Registry(own, only_in_auth)
    return DockerConfig(texts.document, registries) if texts.document is not None else None
