"""Who is let in by a token, and by nothing else."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from changes.access.access_review import Rights
from changes.access.bearer import BearerDoor
from changes.access.json_web_keys import JsonWebKeys
from changes.access.token_review import ReviewedTokens
from changes.access.tokens import MOST_CHARACTERS, IssuerSettings, Tokens
from changes.access.viewer import NotLetIn
from kube.access import Subject
from kube.errors import KubernetesError, KubernetesUnavailable
from tests.changes.access.issuer import CLIENT, ISSUER, Issuer

SERVICE_ACCOUNT = Subject("system:serviceaccount:shop:viewer", "u-1", ("system:authenticated",))


class Reviews:
    """Knows some tokens, and counts the questions."""

    def __init__(self, known: Mapping[str, Subject | Exception]) -> None:
        self.known = known
        self.asked: list[str] = []

    def subject(self, token: str, _timeout_seconds: float) -> Subject | None:
        self.asked.append(token)
        found = self.known.get(token)
        if isinstance(found, Exception):
            raise found
        return found


def reviewed(reviews: Reviews, clock: Any = lambda: 0.0) -> ReviewedTokens:
    return ReviewedTokens(cast("Any", reviews), clock)


def door(tokens: Tokens | None = None, reviews: Reviews | None = None) -> BearerDoor:
    return BearerDoor(cast("Rights", None), tokens, None if reviews is None else reviewed(reviews))


def request(**headers: str) -> Request:
    given = [(name.replace("_", "-"), text) for name, text in headers.items()]
    return Request(EnvironBuilder(headers=given).get_environ())


def refusal(entered: BearerDoor, asked: Request) -> NotLetIn:
    with pytest.raises(NotLetIn) as caught:
        entered.viewer(asked)
    return caught.value


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def tokens(issuer: Issuer) -> Tokens:
    settings = IssuerSettings(issuer=ISSUER, client_id=CLIENT, username_prefix="-")
    return Tokens(settings, JsonWebKeys(issuer.keys))


def test_whoever_shows_a_token_is_let_in(issuer: Issuer, tokens: Tokens) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert door(tokens).viewer(request(Authorization=f"{scheme} {issuer.token()}")).name == "alice"


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-User",
        "X-Forwarded-Email",
        "X-Forwarded-Preferred-Username",
        "X-Forwarded-Groups",
        "X-Forwarded-Access-Token",
        "X-Auth-Request-User",
        "X-Remote-User",
        "Remote-User",
        "Impersonate-User",
        "From",
        "Cookie",
    ],
)
def test_a_name_in_a_header_is_never_believed(issuer: Issuer, tokens: Tokens, header: str) -> None:
    for value in ("admin", issuer.token(), f"Bearer {issuer.token()}"):
        assert refusal(door(tokens, Reviews({})), request(**{header: value})).status == 401


@pytest.mark.parametrize("text", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer a,b", "Bearer\ta.b.c"])
def test_a_header_without_a_token_is_refused(tokens: Tokens, text: str) -> None:
    assert (
        refusal(door(tokens), request(Authorization=text)).message == "a token is needed: Authorization: Bearer TOKEN"
    )


def test_two_tokens_at_once_are_none(issuer: Issuer, tokens: Tokens) -> None:
    assert (
        refusal(door(tokens), request(Authorization=f"Bearer {issuer.token()}, Bearer {issuer.token()}")).status == 401
    )


def test_the_token_says_who_is_asked_and_nobody_else_is(issuer: Issuer, tokens: Tokens) -> None:
    reviews = Reviews({"opaque": SERVICE_ACCOUNT, "a.e30.c": SERVICE_ACCOUNT})
    entered = door(tokens, reviews)
    assert entered.viewer(request(Authorization=f"Bearer {issuer.token()}")).name == "alice"
    assert refusal(entered, request(Authorization=f"Bearer {issuer.token(aud='other')}")).status == 401
    assert reviews.asked == []
    assert entered.viewer(request(Authorization="Bearer a.e30.c")).name == SERVICE_ACCOUNT.username
    assert reviews.asked == ["a.e30.c"]


def test_a_text_of_another_form_is_for_the_api_server(tokens: Tokens) -> None:
    entered = door(tokens, Reviews({"opaque": SERVICE_ACCOUNT}))
    assert entered.viewer(request(Authorization="Bearer opaque")).name == SERVICE_ACCOUNT.username


@pytest.mark.parametrize(
    "subject",
    [
        Subject("system:anonymous", groups=("system:unauthenticated",)),
        Subject("system:anonymous", groups=("system:authenticated",)),
        Subject("somebody", groups=("system:unauthenticated",)),
    ],
)
def test_nobody_without_a_name_is_let_in(subject: Subject) -> None:
    assert refusal(door(reviews=Reviews({"opaque": subject})), request(Authorization="Bearer opaque")).status == 401


def test_a_token_that_the_api_server_does_not_know_is_asked_about_each_time() -> None:
    reviews = Reviews({})
    entered = door(reviews=reviews)
    for _ in range(2):
        assert refusal(entered, request(Authorization="Bearer unknown")).status == 401
    assert len(reviews.asked) == 2


def test_a_known_token_is_remembered_for_seconds() -> None:
    reviews, now = Reviews({"opaque": SERVICE_ACCOUNT}), [0.0]
    known = reviewed(reviews, lambda: now[0])
    for now[0] in (0.0, 9.0, 10.0, 19.0):
        assert known.subject("opaque") == SERVICE_ACCOUNT
    assert len(reviews.asked) == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KubernetesUnavailable("did not answer"), "did not answer"),
        (KubernetesError("a TokenReview", 403), "may not create TokenReviews"),
    ],
)
def test_an_api_server_that_says_nothing_lets_nobody_in(error: Exception, told: str) -> None:
    refused = refusal(door(reviews=Reviews({"opaque": error})), request(Authorization="Bearer opaque"))
    assert refused.status == 503
    assert told in refused.message


def test_a_token_that_is_too_long_is_asked_of_nobody() -> None:
    reviews = Reviews({})
    assert refusal(door(reviews=reviews), request(Authorization="Bearer " + "a" * (MOST_CHARACTERS + 1))).status == 401
    assert reviews.asked == []
