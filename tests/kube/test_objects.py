import pytest

from kube.objects import ObjectName


def test_a_name_is_read_and_shown_alike() -> None:
    name = ObjectName.parse("keyhole/keyhole.record-key")
    assert (name.namespace, name.name, str(name)) == ("keyhole", "keyhole.record-key", "keyhole/keyhole.record-key")


@pytest.mark.parametrize(
    "text", ["", "a", "/a", "a/", "a/b/c", "A/b", "a.b/c", "a/B", "a/-b", "a/b\n", f"{'a' * 64}/b"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not NAMESPACE/NAME"):
        ObjectName.parse(text)
