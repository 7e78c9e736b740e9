"""The key file of the audit trail: which are taken, and that no key is shown."""

import os
import secrets
from pathlib import Path

import pytest

from audit.errors import AuditKeyError
from audit.key import AuditKey, load_key
from tests.resolver.canary import shown_by

SECRET = bytes(range(64, 96))


def key_file(folder: Path, content: bytes = SECRET, mode: int = 0o400) -> Path:
    path = folder / "audit.key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_key_that_owner_and_group_can_read_is_taken_byte_for_byte(tmp_path: Path, mode: int) -> None:
    key = load_key(key_file(tmp_path, mode=mode))
    assert key.secret.reveal() == SECRET
    assert key.id == AuditKey.of(SECRET).id
    with_break = AuditKey.of(SECRET + b"\n")
    assert key.id != with_break.id


@pytest.mark.parametrize("mode", [0o404, 0o644, 0o402, 0o420, 0o660, 0o401])
def test_a_key_that_others_could_read_or_exchange_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(AuditKeyError, match=f"audit.key has the mode {mode:04o}: others may read or write it"):
        load_key(key_file(tmp_path, mode=mode))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "32 to 4096 bytes", id="nothing"),
        pytest.param(SECRET[:31], "32 to 4096 bytes", id="a byte too few"),
        pytest.param(SECRET * 128 + b"x", "32 to 4096 bytes", id="a byte too many"),
        pytest.param(bytes(64), "repeats a few bytes", id="zeros"),
        pytest.param(b"changeme" * 8, "repeats a few bytes", id="a word again and again"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(AuditKeyError, match=problem) as caught:
        load_key(key_file(tmp_path, content))
    shown = "".join(shown_by(caught.value))
    assert "changeme" not in shown
    assert repr(SECRET)[2:20] not in shown


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(SECRET, id="as short as may be"),
        pytest.param(SECRET * 128, id="as long as may be"),
        pytest.param(secrets.token_hex(32).encode(), id="hexadecimal"),
    ],
)
def test_keys_of_every_length_within_the_limits_are_taken(tmp_path: Path, content: bytes) -> None:
    assert load_key(key_file(tmp_path, content)).secret.reveal() == content


def test_a_missing_file_and_a_folder_are_refused_with_the_cause(tmp_path: Path) -> None:
    with pytest.raises(AuditKeyError, match="cannot be read: No such file or directory"):
        load_key(tmp_path / "missing")
    with pytest.raises(AuditKeyError, match="cannot be read: Is a directory"):
        load_key(tmp_path)
    with pytest.raises(AuditKeyError, match="is not a file"):
        load_key(Path(os.devnull))


def test_a_key_from_a_pipe_need_not_lie_on_a_disk() -> None:
    reader, writer = os.pipe()
    os.write(writer, SECRET)
    os.close(writer)
    try:
        assert load_key(Path(f"/dev/fd/{reader}")).secret.reveal() == SECRET
    finally:
        os.close(reader)


def test_a_key_does_not_show_itself() -> None:
    key = AuditKey.of(SECRET)
    assert repr(SECRET)[2:20] not in repr(key)
    assert "[secret]" in repr(key)
