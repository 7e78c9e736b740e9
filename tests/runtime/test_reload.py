import logging
from pathlib import Path

import pytest
import yaml

from certs.issue import issue_ca
from resolver.connections.files import load
from resolver.deadline import Deadline
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Resolver
from resolver.tenancy.static_token import StaticToken
from resolver.tenancy.token_cache import TokenCache
from runtime.namespace_tokens import NamespaceTokens
from runtime.reload import Reloader
from tests.resolver.fake_server import answering, http

BODY = b'{"data":{"data":{"f":"%s"},"metadata":{"version":1}}}'


def written(file: Path, address: str) -> None:
    auth = "{method: jwt, role: r}"
    file.write_text(f"connections: {{default: {{address: '{address}', auth: {auth}, mounts: {{secret: 2}}}}}}")


def read(resolver: Resolver) -> str:
    reference = Reference("secret/a", "f")
    outcome = resolver.resolve([reference], "team-a", Deadline.after(5))[reference]
    return outcome.value.reveal_text() if hasattr(outcome, "value") else type(outcome).__name__


def settle(follower: Reloader) -> None:
    """Look twice: only what two looks in a row saw is taken over."""
    follower.follow()
    follower.follow()


def reloader(file: Path) -> tuple[Reloader, Resolver]:
    resolver = Resolver(load(file), StaticToken(SecretValue("t")))
    tokens = TokenCache(NamespaceTokens(None))  # type: ignore[arg-type]
    return Reloader(file, resolver, tokens.drop_idle), resolver


def test_a_changed_file_is_taken_over_and_a_broken_one_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "connections.yaml"
    with (
        answering(lambda client, _: client.sendall(http("200 OK", BODY % b"one"))) as (first, _),
        answering(lambda client, _: client.sendall(http("200 OK", BODY % b"two"))) as (second, _),
    ):
        written(file, first)
        follower, resolver = reloader(file)
        assert read(resolver) == "one"
        file.write_text("connections: [")
        settle(follower)
        assert read(resolver) == "one"
        assert "the old ones stay" in caplog.text
        written(file, second)
        with caplog.at_level(logging.INFO):
            settle(follower)
        assert read(resolver) == "two"
        assert "now in use: default" in caplog.text
        file.unlink()
        settle(follower)
        assert read(resolver) == "two"
        resolver.close()


def test_a_broken_file_is_told_until_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    told: list[bool] = []
    written(file, "http://127.0.0.1:1")
    resolver = Resolver(load(file), StaticToken(SecretValue("t")))
    follower = Reloader(file, resolver, TokenCache(NamespaceTokens(None)).drop_idle, told.append)  # type: ignore[arg-type]
    seen = [follower.rejects_connections]
    for content in ("connections: [", "connections: {", ""):
        file.write_text(content) if content else written(file, "http://127.0.0.1:2")
        settle(follower)
        settle(follower)
        seen.append(follower.rejects_connections)
    assert seen == [False, True, True, False]
    assert told == [False, False, True]
    resolver.close()


def test_an_unchanged_file_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "connections.yaml"
    written(file, "http://127.0.0.1:1")
    follower, resolver = reloader(file)
    with caplog.at_level(logging.INFO):
        settle(follower)
    assert caplog.text == ""
    resolver.close()


def test_a_comment_is_no_connection_taken_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "connections.yaml"
    written(file, "http://127.0.0.1:1")
    follower, resolver = reloader(file)
    settle(follower)
    file.write_text(file.read_text() + "\n# a comment\n")
    with caplog.at_level(logging.INFO):
        settle(follower)
    assert "now in use" not in caplog.text
    resolver.close()


def test_what_somebody_is_still_writing_is_not_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    written(file, "http://127.0.0.1:1")
    whole = file.read_text()
    known = yaml.safe_load(whole)["connections"]["default"]
    whole = yaml.safe_dump({"connections": {"a": known, "default": known}})
    file.write_text(whole)
    follower, resolver = reloader(file)
    settle(follower)
    # A beginning of the file that is a whole file by itself, and lacks `default`.
    file.write_text(whole[: whole.index("  default:")])
    follower.follow()
    assert read(resolver) != "UnknownConnection"
    file.write_text(whole)
    settle(follower)
    assert read(resolver) != "UnknownConnection"
    resolver.close()


class TestBundles:
    """The CA files that the connections file names."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "connections.yaml"
        auth = {"method": "jwt", "role": "r"}
        known = {
            "default": {"address": "https://127.0.0.1:1", "auth": auth, "caFile": str(tmp_path / "ca.crt")},
            "plain": {"address": "http://127.0.0.1:1", "auth": auth},
        }
        file.write_text(yaml.safe_dump({"connections": known}))
        return file

    def test_a_renewed_one_is_followed(self, file: Path, caplog: pytest.LogCaptureFixture) -> None:
        bundle = file.with_name("ca.crt")
        bundle.write_bytes(issue_ca().certificate_pem)
        follower, resolver = reloader(file)
        settle(follower)
        bundle.write_bytes(issue_ca().certificate_pem)
        with caplog.at_level(logging.INFO):
            settle(follower)
        assert "now in use: default" in caplog.text
        assert "plain" not in caplog.text
        resolver.close()

    @pytest.mark.parametrize("content", [b"", b"no PEM at all", None], ids=["empty", "no PEM", "gone"])
    def test_one_that_cannot_be_used_rejects_its_connection_alone_and_until_it_can(
        self, file: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
    ) -> None:
        bundle = file.with_name("ca.crt")
        good = issue_ca().certificate_pem
        bundle.write_bytes(good)
        told: list[bool] = []
        resolver = Resolver(load(file), StaticToken(SecretValue("t")))
        follower = Reloader(file, resolver, TokenCache(NamespaceTokens(None)).drop_idle, told.append)  # type: ignore[arg-type]
        settle(follower)
        bundle.unlink() if content is None else bundle.write_bytes(content)
        written_text = file.read_text().replace("http://127.0.0.1:1", "http://127.0.0.1:2")
        file.write_text(written_text)
        with caplog.at_level(logging.INFO):
            settle(follower)
        assert set(follower.rejected) == {"default"}
        assert follower.rejects_connections
        assert "connections.default.caFile" in caplog.text
        # The change of the other one counts, and the one from before stays.
        assert "now in use: plain" in caplog.text
        assert read(resolver) == "Unanswered"
        bundle.write_bytes(good)
        settle(follower)
        assert not follower.rejected
        assert told == [False, True]
        resolver.close()

    def test_one_that_comes_later_is_found(self, file: Path) -> None:
        whole = file.read_text()
        known = yaml.safe_load(whole)["connections"]
        file.write_text(yaml.safe_dump({"connections": {"plain": known["plain"]}}))
        follower, resolver = reloader(file)
        settle(follower)
        file.write_text(whole)
        settle(follower)
        assert read(resolver) == "ConnectionUnusable"
        file.with_name("ca.crt").write_bytes(issue_ca().certificate_pem)
        settle(follower)
        assert read(resolver) == "Unanswered"
        resolver.close()
