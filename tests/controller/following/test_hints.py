"""What Vault's answers show about a namespace's paths."""

from controller.following.comparison import Answer, Asked
from controller.following.hints import hints
from resolver.vault.errors import SecretNotFound
from resolver.vault.kv_versions import KvVersion


def of(**answers: Answer) -> dict[str, str]:
    return dict(hints({Asked("default", f"secret/{name}"): answer for name, answer in answers.items()}))


def test_nothing_is_said_where_all_is_well() -> None:
    assert of(a=KvVersion(3), b=KvVersion(None), c=SecretNotFound("secret/c", None, deleted=False)) == {}


def test_paths_are_counted_and_one_is_named() -> None:
    told = of(b=KvVersion(3, lacks_metadata=True), a=KvVersion(3, lacks_metadata=True), c=KvVersion(3))
    assert told.keys() == {"metadata"}
    assert "the metadata of 2 paths (secret/a and others)" in told["metadata"]
    told = of(a=KvVersion(900, is_long=True))
    assert told["versions"].startswith("secret/a has hundreds of versions")
