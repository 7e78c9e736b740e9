"""A user of one namespace sees no name of another, by no address.

Two pages differ only in what they may not see. Whatever they ask, both have the same answer: its status, its headers
and its body, so there is nothing by which what is hidden could show. And none of its names is in it.
"""

from collections.abc import Sequence
from urllib.parse import unquote

import pytest

from tests.e2e.page.conftest import OTHER, Tokens, World
from tests.e2e.page.forged import Forged, forged
from tests.e2e.page.names import SEEN
from tests.e2e.page.paging import Answered

POSITION = "1793606520000043-69"


@pytest.fixture(scope="module")
def requests(worlds: Sequence[World]) -> Sequence[Forged]:
    world = worlds[0]
    return forged(world.names, world.commits[1:], POSITION)


def ask(world: World, request: Forged, token: str) -> Answered:
    return world.page.get(request.target, token, request.method, request.headers)


def leaked(request: Forged, answer: Answered, world: World) -> Sequence[str]:
    """Return the hidden names in an answer, but for those that the request itself has."""
    asked = unquote(unquote(request.target + "".join(text for _, text in request.headers))).lower()
    told = answer.whole.decode("utf-8", "replace").lower()
    names = (*world.names.texts, *world.commits[1:], *(each[:7] for each in world.commits[1:]))
    return [each for each in names if each.lower() in told and each.lower() not in asked]


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_no_address_tells_of_what_is_hidden(
    worlds: Sequence[World], requests: Sequence[Forged], tokens: Tokens, who: str
) -> None:
    assert len({request.target for request in requests}) >= 200
    token, wrong = getattr(tokens, who), []
    for request in requests:
        one, other = (ask(world, request, token) for world in worlds)
        if one != other or leaked(request, one, worlds[0]) or leaked(request, other, worlds[1]):
            wrong.append((request, one.status, other.status, leaked(request, one, worlds[0])))
    assert wrong == []


def test_whoever_may_sees_it_all(worlds: Sequence[World], tokens: Tokens) -> None:
    """Otherwise there would have been nothing to hide."""
    for world in worlds:
        shown = b"".join(
            world.page.get(path, tokens.administrator).body
            for path in (
                *("/", "/compliance", f"/person?name={world.names.person}", f"/namespace/{world.names.namespace}"),
                *(f"/commit/deploy/{each}" for each in world.commits),
            )
        ).decode()
        assert [each for each in (*world.names.texts, world.names.reference) if each not in shown] == []


def test_the_viewer_sees_their_own(worlds: Sequence[World], tokens: Tokens) -> None:
    for path in ("/", f"/namespace/{SEEN}", f"/object/{SEEN}/Secret/db", f"/commit/deploy/{worlds[0].commits[0]}"):
        answer = worlds[0].page.get(path, tokens.viewer)
        assert answer.status == 200
        assert b"vault:secret/seen/db#password" in answer.body


def test_what_is_hidden_is_answered_as_what_is_not_there(worlds: Sequence[World], tokens: Tokens) -> None:
    page, names = worlds[0].page, worlds[0].names
    # The names of the other world are of the same length, and stand for nothing here.
    for path, none in (
        (f"/namespace/{names.namespace}", f"/namespace/{OTHER.namespace}"),
        (f"/object/{names.namespace}/Secret/{names.object}", f"/object/{OTHER.namespace}/Secret/{OTHER.object}"),
        (f"/person?name={names.person}", f"/person?name={OTHER.person}"),
        (f"/commit/deploy/{worlds[0].commits[-1]}", f"/commit/deploy/{worlds[1].commits[-1]}"),
        (f"/object/{SEEN}/Secret/{names.object}", f"/object/{SEEN}/Secret/{OTHER.object}"),
    ):
        for form in ("", "json", "csv"):
            query = f"{'&' if '?' in path else '?'}format={form}" if form else ""
            hidden, absent = (page.get(each + query, tokens.viewer) for each in (path, none))
            assert hidden.status == 404
            assert hidden == absent


def test_without_a_token_there_is_nothing(worlds: Sequence[World], requests: Sequence[Forged]) -> None:
    for request in requests:
        for world in worlds:
            answer = ask(world, request, "")
            assert answer.status in {400, 401, 404, 405, 501}, request
            assert leaked(request, answer, world) == []
