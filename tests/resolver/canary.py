"""A value that must never be shown, and the search for it in everything that an exception can show."""

import base64
import json
import traceback
import urllib.parse
from collections.abc import Iterator

# Characters that base64 and percent-encoding change, and none that JSON does.
CANARY = "c4n4ry/+\u00e4%C4nary=="


def forms(value: bytes) -> tuple[bytes, ...]:
    """Give the forms in which a value could come to light: raw, base64 (each alignment), URL-encoded, repr, JSON."""
    shifted = tuple(base64.b64encode(b"\0" * shift + value)[4:-4] for shift in range(3))
    quoted = urllib.parse.quote_from_bytes(value, safe="").encode()
    plus = urllib.parse.quote_plus(value).encode()
    return (value, *shifted, quoted, plus, repr(value)[2:-1].encode(), json.dumps(value.decode())[1:-1].encode())


def leaks(shown: str) -> bool:
    """Say whether the canary stands in the text, in any of its forms."""
    encoded = shown.encode("utf-8", "surrogatepass")
    return any(form in encoded for form in forms(CANARY.encode()))


def shown_by(error: BaseException) -> Iterator[str]:
    """Give everything that a log could show of an exception and of those it is chained to."""
    yield "".join(traceback.format_exception(error))
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        # `raise … from None` hides the context from the default traceback, but not from a log that walks it.
        pending += [current.__cause__, current.__context__]
        yield from (str(current), repr(current), repr(current.args), repr(vars(current)))
        # What the decoders of the standard library keep.
        yield from (repr(getattr(current, name, None)) for name in ("object", "doc"))
