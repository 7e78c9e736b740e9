"""The JSON schema of the connections file, for editors and pipelines.

It says what a JSON schema can say. The rest (that a mount is not one of Vault's own, that a CA file exists) is checked
when the file is loaded. Source: JSON Schema, draft 2020-12.
"""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from resolver.connections.model import ConnectionsFile


class _Generator(GenerateJsonSchema):
    """Leaves out pydantic's titles, which only repeat the keys, and badly (`Cafile`)."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def text() -> str:
    """Return the schema as indented JSON with a final line break. The same models always give the same text."""
    schema: dict[str, Any] = {
        "$schema": GenerateJsonSchema.schema_dialect,
        **ConnectionsFile.model_json_schema(schema_generator=_Generator),
        "title": "The connections file of Keyhole",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
