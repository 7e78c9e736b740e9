"""Where a key of an ExternalSecret leads, by the operator's own rules (`buildPath`), as the path of a reference."""

import pytest

from review.languages.remote_refs import NotConverted, logical_path
from review.languages.stores import Store

# mount and version of the store, key, and the path of the reference. The comment is what the operator reads.
PATHS = [
    ("secret", 2, "app", "secret/app"),  # secret/data/app
    ("secret", 2, "shop/app", "secret/shop/app"),
    ("secret", 2, "secret/app", "secret/app"),  # the mount is cut off
    ("secret", 2, "secret/data/app", "secret/app"),  # and then `data`
    ("secret", 2, "data/app", "secret/data/data/app"),  # secret/data/data/app: only behind the mount is it cut off
    ("secret", 2, "secret/secret/app", "secret/secret/app"),  # cut off once
    ("secret", 2, "secretary/app", "secret/secretary/app"),
    ("secret", 2, "metadata/app", "secret/data/metadata/app"),  # a reference would take it for the API's branch
    ("secret", 2, "/app/", "secret/app"),  # Vault's client cleans the path
    ("secret/", 2, "secret/app", "secret/secret/app"),  # it looks for `secret//`
    ("kv/team", 2, "app", "kv/team/app"),
    ("kv/team", 2, "kv/team/data/app", "kv/team/app"),
    ("kv/team", 2, "team/app", "kv/team/team/app"),
    ("secret", 1, "app", "secret/app"),
    ("secret", 1, "secret/app", "secret/app"),
    ("secret", 1, "secret/data/app", "secret/data/app"),  # v1 has no branches
    ("secret", 1, "data/app", "secret/data/app"),
    (None, 2, "secret/app", "secret/app"),  # secret/data/app
    (None, 2, "secret/data/app", "secret/app"),
    (None, 2, "kv/team/data/app", "kv/team/app"),
    (None, 2, "secret/metadata/app", "secret/data/metadata/app"),
    (None, 1, "secret/app", "secret/app"),
    (None, 1, "secret/data/app", "secret/data/app"),
    ("secret", None, "app", "secret/app"),
    ("secret", None, "secret/data/app", "secret/data/app"),  # right on either engine
]
REFUSED = [
    ("secret", 2, "../app"),
    ("secret", 2, "app?x=y"),
    ("secret", 2, "${CLUSTER}/app"),
    ("secret", 2, "<path>/app"),
    ("secret", 2, ""),
    ("secret", None, "data/app"),  # two paths, depending on the engine
    ("secret/data", 2, "app"),
    ("", 2, "a/b"),
    (None, 2, "app"),
    ("sys", 2, "app"),
]


@pytest.mark.parametrize(("mount", "version", "key", "path"), PATHS)
def test_a_key_leads_where_the_operator_reads(mount: str | None, version: int | None, key: str, path: str) -> None:
    assert logical_path(Store("SecretStore", "vault", "shop", mount, version), key) == path


@pytest.mark.parametrize(("mount", "version", "key"), REFUSED)
def test_a_key_that_no_reference_can_follow_is_told(mount: str | None, version: int | None, key: str) -> None:
    with pytest.raises(NotConverted):
        logical_path(Store("SecretStore", "vault", "shop", mount, version), key)
