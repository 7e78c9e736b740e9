"""`keyhole certs`: what it prints and with which code it ends."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certs.files import read, write
from certs.issue import issue_ca, issue_serving
from cli.commands.certs import certs

NOT_DONE = 2


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(certs, [str(argument) for argument in arguments])
    # Anything but an exit is a traceback for the user.
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "PRIVATE KEY" not in result.output
    return result


def names(directory: Path) -> list[str]:
    certificate = x509.load_pem_x509_certificate((directory / "tls.crt").read_bytes())
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(alternative.value) for alternative in alternatives]


def test_issue_writes_files_that_can_be_served(tmp_path: Path) -> None:
    directory = tmp_path / "certs"
    result = run("issue", directory, "--name", "localhost", "--name", "127.0.0.1")
    assert result.exit_code == 0
    assert names(directory) == ["localhost", "127.0.0.1"]
    assert read(directory)
    for name in ("ca.crt", "ca.key", "tls.crt", "tls.key"):
        assert f"wrote {directory / name}" in result.stdout


def test_issue_adds_the_names_of_a_service(tmp_path: Path) -> None:
    assert run("issue", tmp_path, "--service", "hook", "--namespace", "vault", "--name", "h.test").exit_code == 0
    assert names(tmp_path) == ["h.test", "hook", "hook.vault", "hook.vault.svc", "hook.vault.svc.cluster.local"]


def test_issue_takes_the_lives_in_days(tmp_path: Path) -> None:
    assert run("issue", tmp_path, "--name", "a.test", "--days", "3", "--ca-days", "9").exit_code == 0
    now = datetime.now(UTC)
    for file, days in (("tls.crt", 3), ("ca.crt", 9)):
        certificate = x509.load_pem_x509_certificate((tmp_path / file).read_bytes())
        assert abs(certificate.not_valid_after_utc - now - timedelta(days=days)) < timedelta(hours=1)


def test_issue_tells_programs_what_it_did(tmp_path: Path) -> None:
    told = json.loads(run("issue", tmp_path, "--name", "a.test", "-o", "json").stdout)
    assert told["files"] == [str(tmp_path / name) for name in ("ca.crt", "ca.key", "tls.crt", "tls.key")]
    assert told["certificate"]["names"] == ["a.test"]


def test_issue_overwrites_only_when_told(tmp_path: Path) -> None:
    assert run("issue", tmp_path, "--name", "a.test").exit_code == 0
    before = (tmp_path / "tls.key").read_bytes()
    refused = run("issue", tmp_path, "--name", "a.test")
    assert refused.exit_code == NOT_DONE
    assert "--overwrite" in refused.stderr
    assert (tmp_path / "tls.key").read_bytes() == before
    assert run("issue", tmp_path, "--name", "a.test", "--overwrite").exit_code == 0
    assert (tmp_path / "tls.key").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "at least one --name", id="no name"),
        pytest.param(["--name", "*.test"], "wildcard", id="a bad name"),
        pytest.param(["--service", "A"], "not a DNS label", id="a bad service"),
        pytest.param(["--service", ""], "not a DNS label", id="an empty service, as from an unset variable"),
        pytest.param(["--name", "a.test", "--days", "0"], "0 is not in the range", id="no days"),
        pytest.param(["--name", "a.test", "--days", "9", "--ca-days", "8"], "outlive", id="a CA that ends too early"),
        pytest.param(["--name", "a.test", "--colour"], "No such option", id="an unknown option"),
    ],
)
def test_issue_refuses_what_makes_no_sense_and_writes_nothing(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = run("issue", tmp_path / "certs", *arguments)
    assert result.exit_code == NOT_DONE
    assert message in result.stderr
    assert not (tmp_path / "certs").exists()


def test_issue_says_where_it_could_not_write(tmp_path: Path) -> None:
    result = run("issue", tmp_path / "missing" / "certs", "--name", "a.test")
    assert (result.exit_code, str(tmp_path / "missing") in result.stderr) == (NOT_DONE, True)


def test_show_tells_what_stands_in_the_certificates(tmp_path: Path) -> None:
    run("issue", tmp_path, "--name", "a.test", "--name", "::1")
    text = run("show", tmp_path)
    told = json.loads(run("show", tmp_path, "-o", "json").stdout)
    certificate = x509.load_pem_x509_certificate((tmp_path / "tls.crt").read_bytes())
    assert text.exit_code == 0
    assert told["findings"] == []
    authority, serving = told["certificates"]
    assert (authority["file"], authority["subject"]) == ("ca.crt", "CN=keyhole-ca")
    assert serving == {
        "file": "tls.crt",
        "subject": "CN=a.test",
        "issuer": "CN=keyhole-ca",
        "names": ["a.test", "::1"],
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "fingerprint_sha256": certificate.fingerprint(hashes.SHA256()).hex(),
    }
    for part in ("a.test, ::1", serving["not_after"], serving["issuer"], serving["fingerprint_sha256"]):
        assert part in text.stdout


def test_show_finds_an_expired_certificate_and_a_foreign_key(tmp_path: Path) -> None:
    past = datetime.now(UTC) - timedelta(days=10)
    ca = issue_ca(now=past)
    write(tmp_path, ca, issue_serving(ca, ["a.test"], timedelta(days=1), past))
    (tmp_path / "tls.key").write_bytes(ca.key_pem)
    text = run("show", tmp_path)
    document = run("show", tmp_path, "-o", "json")
    assert (text.exit_code, document.exit_code) == (1, 1)
    assert [finding["file"] for finding in json.loads(document.stdout)["findings"]] == ["tls.key", "tls.crt"]
    assert "finding: tls.key: does not belong to tls.crt" in text.stdout
    assert "finding: tls.crt: expired at" in text.stdout


@pytest.mark.parametrize("file", ["ca.crt", "tls.crt", "tls.key"])
def test_show_finds_a_file_that_is_missing_or_damaged(tmp_path: Path, file: str) -> None:
    run("issue", tmp_path, "--name", "a.test")
    (tmp_path / file).write_bytes(b"damaged")
    damaged = run("show", tmp_path)
    (tmp_path / file).unlink()
    missing = run("show", tmp_path)
    for result, reason in ((damaged, "is not a PEM"), (missing, "cannot be read")):
        assert result.exit_code == 1
        assert f"finding: {file}: {reason}" in result.stdout


def test_show_wants_a_folder(tmp_path: Path) -> None:
    assert run("show", tmp_path / "missing").exit_code == NOT_DONE


@pytest.mark.parametrize("command", ["issue", "show"])
def test_the_help_has_examples_on_lines_of_their_own(command: str) -> None:
    lines = [line.strip() for line in run(command, "--help").stdout.splitlines()]
    assert "Examples:" in lines
    assert any(line.startswith(f"keyhole certs {command} ./certs") for line in lines)
