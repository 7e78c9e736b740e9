"""The door for those who show a token: `Authorization: Bearer …`, and nothing else.

A header with a user's name, as proxies send it too, is not looked at: whoever reaches the port could send one.
Source: RFC 6750, 2.1.
"""

from typing import Final

from werkzeug.wrappers import Request

from changes.access.access_review import ReviewedViewer, Rights
from changes.access.token_review import ReviewedTokens
from changes.access.tokens import Tokens
from changes.access.viewer import NotLetIn, Viewer
from kube.access import Subject

_SCHEME: Final = "bearer "
_ANONYMOUS: Final = "system:anonymous"
_UNAUTHENTICATED: Final = "system:unauthenticated"


class BearerDoor:
    """Lets in whoever shows a token of the issuer, or one of Kubernetes."""

    def __init__(self, rights: Rights, tokens: Tokens | None, reviewed: ReviewedTokens | None) -> None:
        """Without `tokens` or `reviewed`, those tokens are not accepted."""
        self._rights = rights
        self._tokens = tokens
        self._reviewed = reviewed

    def viewer(self, request: Request) -> Viewer:
        """Return who sent a request. Raises `NotLetIn`."""
        subject = self._subject(_token(request))
        if subject.username == _ANONYMOUS or _UNAUTHENTICATED in subject.groups:
            raise NotLetIn(401, "nobody is let in without a name")
        return ReviewedViewer(subject.username, subject, self._rights)

    def _subject(self, token: str) -> Subject:
        if self._tokens is not None and (self._reviewed is None or self._tokens.are_its(token)):
            return self._tokens.subject(token)
        if self._reviewed is not None:
            return self._reviewed.subject(token)
        raise NotLetIn(401, "no token is accepted here")


def _token(request: Request) -> str:
    given = request.headers.get("Authorization", "")
    if not given[: len(_SCHEME)].lower() == _SCHEME:
        raise NotLetIn(401, "a token is needed: Authorization: Bearer TOKEN")
    token = given[len(_SCHEME) :].strip(" ")
    # A token with other characters, or two headers in one, is none (RFC 6750, 2.1: b64token).
    if not token or not token.isascii() or any(each in ", \t" for each in token) or not token.isprintable():
        raise NotLetIn(401, "a token is needed: Authorization: Bearer TOKEN")
    return token
