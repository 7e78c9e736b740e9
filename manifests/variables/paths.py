"""Checks the paths of `keyhole.dev/env-from`."""

from collections.abc import Iterator

from manifests.annotations import ENV_FROM
from manifests.fields.problem import Problem
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_reference


def problems(paths: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a problem for each path that cannot be read."""
    for path in paths:
        bare = path if path.startswith(("vault:", "vault+")) else f"vault:{path}"
        try:
            parse_reference(f"{bare}#field")
        except ReferenceSyntaxError as error:
            yield Problem(f"annotation {ENV_FROM}", error.describe(show_text=True))
