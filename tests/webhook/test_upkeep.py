import logging
from pathlib import Path

import pytest

from resolver.connections import load
from resolver.deadline import Deadline
from resolver.grammar import Reference
from resolver.own_token import OwnToken
from resolver.resolve import Resolver
from resolver.tenants import Tenants
from resolver.value import SecretValue
from tests.resolver.fake_server import answering, http
from webhook.identity import NamespaceTokens
from webhook.upkeep import Upkeep

BODY = b'{"data":{"data":{"f":"%s"},"metadata":{"version":1}}}'


def written(file: Path, address: str) -> None:
    auth = "{method: jwt, role: r}"
    file.write_text(f"connections: {{default: {{address: '{address}', auth: {auth}, mounts: {{secret: 2}}}}}}")


def read(resolver: Resolver) -> str:
    reference = Reference("secret/a", "f")
    outcome = resolver.resolve([reference], "team-a", Deadline.after(5))[reference]
    return outcome.value.reveal_text() if hasattr(outcome, "value") else type(outcome).__name__


def upkeep(file: Path) -> tuple[Upkeep, Resolver]:
    resolver = Resolver(load(file), OwnToken(SecretValue("t")))
    tenants = Tenants(NamespaceTokens(None))  # type: ignore[arg-type]
    return Upkeep(file, resolver, tenants), resolver


def test_a_changed_file_is_taken_over_and_a_broken_one_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "connections.yaml"
    with (
        answering(lambda client, _: client.sendall(http("200 OK", BODY % b"one"))) as (first, _),
        answering(lambda client, _: client.sendall(http("200 OK", BODY % b"two"))) as (second, _),
    ):
        written(file, first)
        follower, resolver = upkeep(file)
        assert read(resolver) == "one"
        file.write_text("connections: [")
        follower.follow()
        assert read(resolver) == "one"
        assert "the old ones stay" in caplog.text
        written(file, second)
        with caplog.at_level(logging.INFO):
            follower.follow()
        assert read(resolver) == "two"
        assert "taken over: default" in caplog.text
        file.unlink()
        follower.follow()
        assert read(resolver) == "two"
        resolver.close()


def test_a_broken_file_is_told_until_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "connections.yaml"
    told: list[bool] = []
    written(file, "http://127.0.0.1:1")
    resolver = Resolver(load(file), OwnToken(SecretValue("t")))
    follower = Upkeep(file, resolver, Tenants(NamespaceTokens(None)), told.append)  # type: ignore[arg-type]
    seen = [follower.rejects_connections]
    for content in ("connections: [", "connections: {", ""):
        file.write_text(content) if content else written(file, "http://127.0.0.1:2")
        follower.follow()
        follower.follow()
        seen.append(follower.rejects_connections)
    assert seen == [False, True, True, False]
    assert told == [False, False, True]
    resolver.close()


def test_an_unchanged_file_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "connections.yaml"
    written(file, "http://127.0.0.1:1")
    follower, resolver = upkeep(file)
    with caplog.at_level(logging.INFO):
        follower.follow()
    assert caplog.text == ""
    resolver.close()
