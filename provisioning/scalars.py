"""Names as scalars of YAML, for documents that are written as text."""

# Booleans and null in YAML 1.1, which kubectl reads.
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def scalar(name: str) -> str:
    """Quote a name that a YAML parser might not take for text, such as 123, 1e3, on or null."""
    return name if name[0].isalpha() and name not in _WORDS_OF_YAML else f'"{name}"'
