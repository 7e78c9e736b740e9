from pathlib import Path

import pytest

from tests.webhook.callers import caller
from webhook.callerauth.bearer_token import BearerToken
from webhook.callerauth.caller import CallerRefused, ProofUnreadable

OLD, NEW = "o" * 40, "n" * 40


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    files = tmp_path / "old", tmp_path / "new"
    for file, token in zip(files, (OLD, NEW), strict=True):
        file.write_text(f"{token}\n")
    return files


@pytest.fixture
def check(files: tuple[Path, Path]) -> BearerToken:
    check = BearerToken(files)
    check.load()
    return check


@pytest.mark.parametrize("header", [f"Bearer {OLD}", f"Bearer {NEW}", f"bearer {NEW}", f"Bearer  {NEW} "])
def test_any_of_the_tokens_is_let_in(check: BearerToken, header: str) -> None:
    check.check(caller(AUTHORIZATION=header))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"Bearer {OLD[:-1]}", id="a part of the token"),
        pytest.param(f"Bearer {OLD}{NEW}", id="two in one"),
        pytest.param(f"Bearer {OLD},Bearer {NEW}", id="a header that came twice"),
        pytest.param(OLD, id="no scheme"),
        pytest.param(f"Basic {OLD}", id="another scheme"),
        pytest.param(f"Bearer\t{OLD}", id="a tab"),
        pytest.param("Bearer ", id="an empty token"),
        pytest.param("", id="nothing"),
        pytest.param("Bearer \xff\u20ac", id="no ASCII"),
    ],
)
def test_what_is_no_token_is_refused(check: BearerToken, header: str) -> None:
    with pytest.raises(CallerRefused):
        check.check(caller(AUTHORIZATION=header))


def test_without_a_header_it_is_refused(check: BearerToken) -> None:
    with pytest.raises(CallerRefused):
        check.check(caller(PROXY_AUTHORIZATION=f"Bearer {OLD}"))


def test_nobody_is_let_in_before_the_files_were_read(files: tuple[Path, Path]) -> None:
    check = BearerToken(files)
    assert not check.is_ready()
    with pytest.raises(CallerRefused):
        check.check(caller(AUTHORIZATION=f"Bearer {OLD}"))


def test_a_token_can_be_withdrawn(check: BearerToken, files: tuple[Path, Path]) -> None:
    files[0].write_text(NEW)
    check.load()
    check.check(caller(AUTHORIZATION=f"Bearer {NEW}"))
    with pytest.raises(CallerRefused):
        check.check(caller(AUTHORIZATION=f"Bearer {OLD}"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="an empty file"),
        pytest.param("short", id="a short one"),
        pytest.param(" " * 40, id="blanks"),
        pytest.param(f"{OLD}\n{NEW}\n", id="two lines"),
    ],
)
def test_a_file_without_a_good_token_is_told_without_its_content(
    check: BearerToken, files: tuple[Path, Path], content: str
) -> None:
    files[1].write_text(content)
    with pytest.raises(ProofUnreadable, match="at least 32 characters") as caught:
        check.load()
    assert not content.strip() or content.strip() not in str(caught.value)


def test_no_token_is_kept(check: BearerToken) -> None:
    assert OLD not in repr(vars(check)) + repr(vars(check._poller))
