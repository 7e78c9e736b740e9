"""KH102 and KH103: what the webhook's connections file says of references."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.commands.review.known_connections import read
from review.lint.judges.allowed import Allowed
from tests.review.lint.judges.tree import judged, reasons, secret, told

VAULT = {"address": "https://vault.example:8200", "auth": {"method": "jwt", "role": "keyhole-{namespace}"}}


def allowed(folder: Path, default: Mapping[str, Any], **others: Mapping[str, Any]) -> Allowed:
    file = folder / "connections.yaml"
    connections = {name: {**VAULT, **one} for name, one in {"default": default, **others}.items()}
    file.write_text(yaml.safe_dump({"connections": connections}))
    return Allowed(read(file))


def test_a_connection_that_is_not_there(tmp_path: Path) -> None:
    judge = allowed(tmp_path, {}, partner={})
    report = judged([judge], secret("shop", "vault+partner:a/b#c", "vault+partnr:a/b#c", "vault+x:a/b#c"))
    assert told(report, "KH102") == [
        ("KH102", "error", "there is no connection 'partnr'; did you mean partner?"),
        ("KH102", "error", "there is no connection 'x'"),
    ]
    assert [each.pointer for each in report.findings] == [
        "/metadata/annotations/data.keyhole.dev~1k1",
        "/metadata/annotations/data.keyhole.dev~1k2",
    ]


@pytest.mark.parametrize(
    ("path", "namespace", "is_allowed"),
    [
        ("secret/shop/app", "shop", True),
        ("secret/data/shop/app", "shop", True),
        ("secret/shop", "shop", False),
        ("secret/shop/app", "sho", False),
        ("secret/common/tls", "pay", True),
        ("old/x/app", "pay", True),
        ("old/x/y/app", "pay", False),
    ],
)
def test_a_path_is_allowed_for_its_namespace_or_not(
    tmp_path: Path, path: str, namespace: str, is_allowed: bool
) -> None:
    patterns = ["secret/{namespace}/*", "secret/common/*", "old/+/app"]
    judge = allowed(tmp_path, {"mounts": {"secret": 2, "old": 1}, "allow": patterns})
    message = (
        f"{path} is outside of what the connection allows in namespace {namespace}: "
        "secret/{namespace}/*, secret/common/*, old/+/app"
    )
    report = judged([judge], secret(namespace, f"vault:{path}#a"))
    assert told(report, "KH103") == ([] if is_allowed else [("KH103", "error", message)])
    assert reasons(report) == []


def test_without_a_namespace_only_what_holds_for_every_one_is_told(tmp_path: Path) -> None:
    judge = allowed(tmp_path, {"mounts": {"secret": 2}, "allow": ["secret/{namespace}/*", "secret/common/*"]})
    texts = ["vault:secret/common/a#b", "vault:secret/shop/a#b", "vault:secret/shop/b#b", "vault:secret/shop#b"]
    report = judged([judge], secret("", *texts))
    assert [each[2].partition(":")[0] for each in told(report, "KH103")] == [
        "secret/shop is outside of what the connection allows, whatever its namespace"
    ]
    assert reasons(report) == [
        (
            "secret/shop/a (and 1 more in this file): no file says in which namespace the object will be, and what the "
            "connection allows depends on it"
        )
    ]


def test_a_mount_that_the_file_does_not_name(tmp_path: Path) -> None:
    judge = allowed(tmp_path, {"mounts": {"secret": 2, "team/kv": 2}})
    report = judged([judge], secret("shop", "vault:secrets/app#a", "vault:team/kv/app#a", "vault:other/app#a"))
    assert told(report, "KH103") == [
        (
            "KH103",
            "warning",
            "secrets/app is on none of the connection's mounts (secret, team/kv); did you mean secret?",
        ),
        ("KH103", "warning", "other/app is on none of the connection's mounts (secret, team/kv)"),
    ]


def test_what_depends_on_where_the_mount_ends_is_not_checked(tmp_path: Path) -> None:
    judge = allowed(tmp_path, {"allow": ["secret/app"]})
    report = judged([judge], secret("shop", "vault:secret/data/app#a", "vault:secret/app#a", "vault:x/data/app#a"))
    assert [each[2].partition(" ")[0] for each in told(report, "KH103")] == ["x/data/app"]
    assert len(reasons(report)) == 1
    assert reasons(report)[0].startswith("secret/data/app: the connections file does not name its mount")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("vault:old/app#a#3", "old/app: old is a KV v1 mount, which keeps no versions; leave the version out"),
        (
            "vault:secret/metadata/app#a",
            "secret/metadata/app: secret is a KV v2 mount, and secret/metadata is a branch",
        ),
    ],
)
def test_what_admission_refuses_on_such_a_mount(tmp_path: Path, reference: str, message: str) -> None:
    report = judged([allowed(tmp_path, {"mounts": {"secret": 2, "old": 1}})], secret("shop", reference))
    ((_, severity, said),) = told(report, "KH103")
    assert severity == "error"
    assert said.startswith(message)
