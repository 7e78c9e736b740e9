"""The `Warning` headers by which the API server passes on what it and its webhooks have to say about a request.

Sources: RFC 7234, 5.5 (RFC 9111 has dropped it; Kubernetes uses it all the same); Kubernetes, *Dynamic Admission
Control*, "Response" (`warnings`); RFC 9110, 5.5 (which characters a field has).
"""

import re
from collections.abc import Iterable

# Code, agent and text, and perhaps a date. The quoted text may hold whatever separates elsewhere.
_WARNING = re.compile(r'(?:^|,)[ \t]*(\d{3}) [^ ",]+ "((?:[^"\\]|\\.)*)"(?: "[^"]*")?(?=[ \t]*(?:,|$))')
_ESCAPED = re.compile(r"\\(.)")
# "Miscellaneous persistent warning": the only code that Kubernetes sends.
_CODE = "299"


def texts(fields: Iterable[str]) -> tuple[str, ...]:
    """Return the texts of the warnings with code 299 in these fields, in order. What is no warning is left out.

    A field comes as `http.client` decodes it, a character for each byte; Kubernetes sends UTF-8 in it.
    """
    found = (warning for one in fields for warning in _WARNING.findall(one))
    return tuple(_decoded(_ESCAPED.sub(r"\1", text)) for code, text in found if code == _CODE)


def _decoded(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text
