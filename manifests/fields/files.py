"""Files: a key of an object whose text has references, rendered into another key of the same object.

    data.keyhole.dev/application.yaml: key:application.yaml.tmpl

Git owns the source, and nobody changes it; it has inline references only. Git never has the key that is rendered.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from manifests.fields.template import FieldTemplate, TemplateError
from manifests.kinds.codec import Codec, Stored
from resolver.references.characters import named
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Template

PREFIX: Final = "key:"


@dataclass(frozen=True, slots=True)
class File:
    """A key of an object, and the key `source` whose text is rendered into it.

    `annotated` has the keys that annotations fill, and `used` the sources of other files.
    """

    codec: Codec
    key: str
    source: str
    annotated: Collection[str]
    used: Collection[str]

    def template(self, values: Mapping[str, Stored | None]) -> FieldTemplate | str:
        """Read the source among the object's values, or return what is wrong. That quotes nothing of the text."""
        if not self.codec.renders_files:
            return f"names a key of the object, and a {self.codec.kind} has none; write the reference itself"
        stored = values.get(self.source)
        if self.source in self.annotated:
            found: FieldTemplate | str = "which an annotation fills; a file is rendered from a text that Git has"
        elif self.source in self.used:
            found = "which is rendered into another key already; once is enough"
        elif stored is None:
            found = f"which the {self.codec.kind} does not have"
        else:
            found = self._read(stored)
        return f"names the key {named(self.source)}, {found}" if isinstance(found, str) else found

    def _read(self, stored: Stored) -> FieldTemplate | str:
        try:
            template = self.codec.template(self.key, self.codec.decode(stored).decode())
        except TemplateError as error:
            return f"whose text {error.problem}"
        except ReferenceSyntaxError as error:
            return f"whose text has a malformed reference: {error.describe(show_text=False)}"
        except ValueError:
            return "which is not UTF-8 text"
        if template is None:
            return "whose text has no reference; expected text around ((vault:MOUNT/PATH#FIELD))"
        if isinstance(template, Template) and template.is_whole:
            return "whose text is one reference; write that into the annotation, or ((…)) around it"
        return template


def is_filled(source: str) -> str:
    """Say that a source cannot be read, because its text is not Git's."""
    return f"names the key {named(source)}, which Keyhole filled; a file is rendered from a text that Git has"
