"""Certificates as files: who can read them, what stands there after a failure, what is said of damaged ones."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from certs.errors import AlreadyThereError, StoreError, UnfitError
from certs.files import CertificateFiles, load, read, write
from certs.issue import issue_ca, issue_serving
from certs.keypair import KeyPair

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DAY = timedelta(days=1)
CA = issue_ca(lifetime=10 * DAY, now=NOW)
SERVING = issue_serving(CA, ["a.test"], 5 * DAY, NOW)
NAMES = {"ca.crt", "ca.key", "tls.crt", "tls.key"}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    files = write(tmp_path, CA, SERVING)
    assert files == CertificateFiles.within(tmp_path)
    assert contents(tmp_path).keys() == NAMES
    bundle = read(tmp_path, NOW)
    assert bundle.serving == SERVING
    assert (bundle.ca_certificate_pem, bundle.ca_key_pem) == (CA.certificate_pem, CA.key_pem)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777], ids=lambda mask: f"umask {mask:03o}")
def test_files_are_their_owner_s_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    directory = tmp_path / "made"
    with umask(mask):
        write(directory, CA, SERVING)
    assert mode(directory) == 0o700
    assert {path.name: mode(path) for path in directory.iterdir()} == dict.fromkeys(NAMES, 0o600)


def test_files_are_their_owner_s_alone_from_the_moment_of_creation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    really_open = os.open

    def watching_open(path: Path, flags: int, mode_asked: int = 0o777) -> int:
        descriptor = really_open(path, flags, mode_asked)
        if flags & os.O_CREAT:
            assert flags & os.O_EXCL
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", watching_open)
    with umask(0):
        write(tmp_path, CA, SERVING)
    assert seen == [0o600] * 4


def test_files_with_wider_modes_are_narrowed_when_overwritten(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(b"old")
        (tmp_path / name).chmod(0o644)
    write(tmp_path, CA, SERVING, overwrite=True)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    assert read(tmp_path, NOW).serving == SERVING


@pytest.mark.parametrize("name", sorted(NAMES))
def test_one_file_in_the_way_is_enough_to_refuse(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(AlreadyThereError) as caught:
        write(tmp_path, CA, SERVING)
    assert caught.value.path == tmp_path / name
    assert contents(tmp_path) == {name: b"mine"}


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_fsync = os.fsync

    def meddling_fsync(descriptor: int) -> None:
        (tmp_path / "tls.key").write_bytes(b"theirs")
        really_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", meddling_fsync)
    with pytest.raises(AlreadyThereError):
        write(tmp_path, CA, SERVING)
    assert contents(tmp_path) == {"tls.key": b"theirs"}


@pytest.mark.parametrize("overwrite", [True, False], ids=["overwriting", "not overwriting"])
def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, overwrite: bool) -> None:
    if overwrite:
        write(tmp_path, CA, SERVING)
    before = contents(tmp_path)
    calls = iter(range(10))

    def failing_fsync(_descriptor: int) -> None:
        if next(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing_fsync)
    with pytest.raises(StoreError, match="No space left on device"):
        write(tmp_path, CA, issue_serving(CA, ["b.test"], DAY, NOW), overwrite=overwrite)
    assert contents(tmp_path) == before


def test_a_folder_made_in_vain_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing_fsync(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing_fsync)
    with pytest.raises(StoreError):
        write(tmp_path / "made", CA, SERVING)
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    directory = tmp_path / "certs"
    directory.mkdir()
    (directory / "tls.key").symlink_to(elsewhere)
    with pytest.raises(AlreadyThereError):
        write(directory, CA, SERVING)
    write(directory, CA, SERVING, overwrite=True)
    assert elsewhere.read_bytes() == b"mine"
    assert not (directory / "tls.key").is_symlink()


def test_a_folder_where_a_file_belongs_is_refused_before_anything_changes(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").mkdir()
    with pytest.raises(StoreError, match=r"tls\.crt: is a folder"):
        write(tmp_path, CA, SERVING, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["tls.crt"]


def test_a_folder_whose_parent_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="missing: does not exist"):
        write(tmp_path / "missing" / "certs", CA, SERVING)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "certs").write_bytes(b"mine")
    with pytest.raises(StoreError, match="certs: is not a folder"):
        write(tmp_path / "certs", CA, SERVING)


def replaced(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda directory: _replace(directory / name, content)


def _replace(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _remove(name: str) -> Callable[[Path], None]:
    return lambda directory: (directory / name).unlink()


def _swap(first: str, second: str) -> Callable[[Path], None]:
    def swap(directory: Path) -> None:
        held = (directory / first).read_bytes()
        (directory / first).write_bytes((directory / second).read_bytes())
        (directory / second).write_bytes(held)

    return swap


def locked_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))


OTHER_CA = issue_ca(lifetime=10 * DAY, now=NOW)
OTHER = issue_serving(OTHER_CA, ["a.test"], 5 * DAY, NOW)


@pytest.mark.parametrize(
    ("damage", "part", "reason"),
    [
        pytest.param(_remove("ca.crt"), "ca.crt", "cannot be read: No such file", id="no authority"),
        pytest.param(_remove("tls.crt"), "tls.crt", "cannot be read: No such file", id="no certificate"),
        pytest.param(_remove("tls.key"), "tls.key", "cannot be read: No such file", id="no key"),
        pytest.param(replaced("ca.crt", b""), "ca.crt", "not a PEM certificate", id="an empty authority"),
        pytest.param(
            replaced("tls.crt", SERVING.certificate_pem[:200]), "tls.crt", "not a PEM certificate", id="cut off"
        ),
        pytest.param(
            replaced("tls.crt", SERVING.certificate_pem.replace(b"MII", b"AAA")),
            "tls.crt",
            "not a PEM certificate",
            id="bytes changed",
        ),
        pytest.param(replaced("tls.key", SERVING.key_pem[:80]), "tls.key", "not a PEM private key", id="a cut key"),
        pytest.param(replaced("ca.key", b"\xff\x00"), "ca.key", "not a PEM private key", id="a binary key"),
        pytest.param(replaced("tls.key", locked_key()), "tls.key", "password", id="a key with a password"),
        pytest.param(_swap("tls.crt", "tls.key"), "tls.crt", "not a PEM certificate", id="key and certificate swapped"),
        pytest.param(_swap("ca.key", "tls.key"), "ca.key", "does not belong to ca.crt", id="the keys swapped"),
        pytest.param(replaced("tls.key", OTHER.key_pem), "tls.key", "does not belong to tls.crt", id="another key"),
        pytest.param(replaced("ca.key", OTHER_CA.key_pem), "ca.key", "does not belong", id="another authority's key"),
        pytest.param(
            lambda directory: write(directory, CA, OTHER, overwrite=True),
            "tls.crt",
            "was not issued by ca.crt",
            id="another authority's certificate",
        ),
    ],
)
def test_damage_is_told_with_the_file_and_the_cause(
    tmp_path: Path, damage: Callable[[Path], None], part: str, reason: str
) -> None:
    write(tmp_path, CA, SERVING)
    damage(tmp_path)
    with pytest.raises(UnfitError) as caught:
        read(tmp_path, NOW)
    assert caught.value.part == part
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"{tmp_path / part}: ")


@pytest.mark.parametrize(
    ("now", "part", "reason"),
    [
        pytest.param(NOW - timedelta(minutes=6), "ca.crt", "is not valid before 2026-05-03T23:55", id="too early"),
        pytest.param(NOW + 6 * DAY, "tls.crt", "expired at 2026-05-09T00:00", id="the certificate has expired"),
        pytest.param(NOW + 11 * DAY, "ca.crt", "expired at 2026-05-14T00:00", id="the authority has expired"),
    ],
)
def test_outside_its_time_a_certificate_is_refused(tmp_path: Path, now: datetime, part: str, reason: str) -> None:
    write(tmp_path, CA, SERVING)
    assert read(tmp_path, NOW + 5 * DAY)
    with pytest.raises(UnfitError) as caught:
        read(tmp_path, now)
    assert (caught.value.part, reason in caught.value.reason) == (part, True)


def test_the_authority_s_key_may_be_kept_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, CA, SERVING).ca_key.unlink()
    assert read(tmp_path, NOW).ca_key_pem is None


def test_while_authorities_overlap_either_may_have_issued_the_certificate(tmp_path: Path) -> None:
    files = write(tmp_path, CA, SERVING)
    long_gone = issue_ca(lifetime=DAY, now=NOW - 2 * DAY)
    files.ca_certificate.write_bytes(long_gone.certificate_pem + OTHER_CA.certificate_pem + CA.certificate_pem)
    assert read(tmp_path, NOW).serving == SERVING
    files.ca_certificate.write_bytes(long_gone.certificate_pem + OTHER_CA.certificate_pem)
    with pytest.raises(UnfitError, match=r"ca\.key"):
        read(tmp_path, NOW)


def test_a_chain_that_does_not_hang_together_is_refused(tmp_path: Path) -> None:
    files = write(tmp_path, OTHER_CA, KeyPair(SERVING.certificate_pem + OTHER.certificate_pem, SERVING.key_pem))
    with pytest.raises(UnfitError, match=r"tls\.crt: was not issued by ca\.crt"):
        read(tmp_path, NOW)
    files.certificate.write_bytes(OTHER.certificate_pem + SERVING.certificate_pem)
    files.key.write_bytes(OTHER.key_pem)
    assert read(tmp_path, NOW)


def test_no_error_and_no_repr_holds_a_key(tmp_path: Path) -> None:
    write(tmp_path, CA, OTHER)
    bundle = load(tmp_path)
    with pytest.raises(UnfitError) as caught:
        read(tmp_path, NOW)
    damaged = KeyPair(SERVING.certificate_pem, SERVING.key_pem.replace(b"\n", b"\n!", 2))
    write(tmp_path, CA, damaged, overwrite=True)
    with pytest.raises(UnfitError) as caught_damaged:
        read(tmp_path, NOW)
    assert caught_damaged.value.__cause__ is None
    shown = f"{bundle!r} {caught.value!r} {caught_damaged.value!r}"
    for pair in (CA, SERVING, OTHER):
        assert all(line not in shown for line in pair.key_pem.decode().splitlines())
