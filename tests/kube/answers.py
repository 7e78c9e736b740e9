"""Answers that no real API server can be brought to give, as the kubernetes package passes them on."""

import io
import json
from typing import Any

from urllib3 import HTTPHeaderDict


class Response:
    """What urllib3 gives for an answer; `is_closed` when its connection was given up before the end."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        self.size = len(content)
        self.is_closed = False
        self.headers = HTTPHeaderDict()

    @classmethod
    def of(cls, document: Any) -> "Response":
        return cls(json.dumps(document, separators=(",", ":")).encode())

    @property
    def bytes_read(self) -> int:
        return self._content.tell()

    def read(self, amount: int) -> bytes:
        return self._content.read(amount)

    def close(self) -> None:
        self.is_closed = True


class Taken:
    """What the package's `call_api` returns for an answer with status 200, with a document in it."""

    status = 200

    def __init__(self, document: Any) -> None:
        self.response = Response.of(document)
