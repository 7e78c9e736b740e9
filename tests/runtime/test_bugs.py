"""What is said of an exception that nobody expected."""

import pytest

from runtime.bugs import described


def _recurse(depth: int) -> None:
    if depth == 0:
        raise ValueError("canary")
    _recurse(depth - 1)


@pytest.mark.parametrize("depth", [0, 500])
def test_it_is_kind_and_frames_without_the_text_and_no_endless_line(depth: int) -> None:
    with pytest.raises(ValueError, match="canary") as raised:
        _recurse(depth)
    told = described(raised.value)
    assert told.startswith("ValueError at test_bugs.py:")
    assert "canary" not in told
    assert len(told) < 1500
    assert ("more)" in told) == (depth > 40)
