"""Looking again and again: what is shown, when, and how it ends."""

from collections.abc import Callable, Sequence

import pytest

from cli.errors import NotDoneError
from cli.following.rows import Row
from cli.following.watching import watch
from kube.objects import ObjectName

Shown = list[tuple[list[Row], list[Row]]]


def row(here: int, name: str = "app") -> Row:
    return Row(ObjectName("shop", name), here=here)


def watched(*looks: list[Row] | Exception) -> tuple[Shown, list[float]]:
    """Watch these looks, then press Ctrl-C; return what was shown, and the pauses."""
    left = iter(looks)
    shown: Shown = []
    pauses: list[float] = []

    def look() -> list[Row]:
        found = next(left, None)
        if found is None:
            raise KeyboardInterrupt
        if isinstance(found, Exception):
            raise found
        return found

    def show(found: Sequence[Row], new: Sequence[Row]) -> None:
        shown.append((list(found), list(new)))

    watch(look, show, pauses.append, _clock())
    return shown, pauses


def _clock() -> Callable[[], float]:
    """Return a clock by which each look takes a second."""
    seconds = iter(range(1000))
    return lambda: float(next(seconds))


def test_only_changes_are_shown() -> None:
    one, two, other = row(1), row(2), row(1, "web")
    shown, _ = watched([one], [one], [two, other], [other])
    assert shown == [([one], [one]), ([two, other], [two, other]), ([other], [])]


def test_nothing_at_first_is_shown_too() -> None:
    assert watched([], [row(1)])[0] == [([], []), ([row(1)], [row(1)])]


def test_a_slow_look_is_followed_by_a_longer_pause() -> None:
    assert set(watched([row(1)], [row(1)])[1]) == {5.0}


def test_what_goes_wrong_later_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    away = NotDoneError("nobody\x1b answers")
    shown, _ = watched([row(1)], away, away, [row(1)], away, [row(2)])
    assert len(shown) == 2
    assert capsys.readouterr().err.splitlines() == [r"note: nobody\u001b answers"] * 2


def test_what_goes_wrong_at_first_ends_it() -> None:
    with pytest.raises(NotDoneError):
        watched(NotDoneError("nobody answers"))
