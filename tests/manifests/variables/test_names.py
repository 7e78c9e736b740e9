import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.variables.names import (
    NOBODY,
    Owner,
    is_object_name,
    is_ours,
    is_variable_name,
    owner,
    read_owner,
    secret_key,
    secret_name,
    whole_secret_name,
)

WEB = Owner("apps", "Deployment", "web")
OBJECT_NAMES = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?)?\Z")
OWNERS = st.just(NOBODY) | st.builds(Owner, st.sampled_from(["", "apps", "batch"]), st.just("Job"), OBJECT_NAMES)
PAIRS = st.lists(st.tuples(st.text(), st.text()), max_size=4)


@given(of=OWNERS, pairs=PAIRS, paths=st.lists(st.text()))
def test_every_name_is_one_that_kubernetes_takes_and_has_our_form(
    of: Owner, pairs: list[tuple[str, str]], paths: list[str]
) -> None:
    for name in (secret_name(of, pairs), whole_secret_name(of, paths)):
        assert is_object_name(name)
        assert len(name) <= 63
        assert is_ours(name)


@given(of=OWNERS, pairs=PAIRS)
def test_the_order_of_variables_is_irrelevant(of: Owner, pairs: list[tuple[str, str]]) -> None:
    assert secret_name(of, pairs) == secret_name(of, pairs[::-1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param((WEB, [("A", "x")]), (Owner("apps", "StatefulSet", "web"), [("A", "x")]), id="kind"),
        pytest.param((WEB, [("A", "x")]), (Owner("batch", "Deployment", "web"), [("A", "x")]), id="group"),
        pytest.param((WEB, [("A", "x")]), (WEB, [("B", "x")]), id="key"),
        pytest.param((WEB, [("A", "x")]), (WEB, [("A", "y")]), id="text"),
        pytest.param((WEB, [("A", "x"), ("B", "y")]), (WEB, [("A", "y"), ("B", "x")]), id="swapped references"),
        pytest.param((WEB, [("A", "xB"), ("C", "")]), (WEB, [("A", "x"), ("BC", "")]), id="where one text ends"),
    ],
)
def test_what_differs_has_another_name(
    one: tuple[Owner, list[tuple[str, str]]], other: tuple[Owner, list[tuple[str, str]]]
) -> None:
    assert secret_name(*one) != secret_name(*other)


def test_whole_secrets_have_names_of_their_own_in_the_order_of_their_paths() -> None:
    assert whole_secret_name(WEB, ["a", "b"]) != whole_secret_name(WEB, ["b", "a"])
    assert whole_secret_name(WEB, []) != secret_name(WEB, [("A", "x")])


@pytest.mark.parametrize(
    ("container", "name", "key"),
    [
        ("", "DB_PASSWORD", "DB_PASSWORD"),
        ("web", "DB_PASSWORD", "web.DB_PASSWORD"),
        ("", "spring.datasource.password", "spring.datasource.password"),
        ("", "..", "v-5ec1f7e700f3"),
        ("", "A B", "v-fea4c5ce720c"),
        ("web", "A B", "web.v-fea4c5ce720c"),
        ("", "A" * 253, "A" * 253),
        ("", "A" * 254, "v-9adfda9becb3"),
    ],
)
def test_keys(container: str, name: str, key: str) -> None:
    assert secret_key(container, name) == key


@pytest.mark.parametrize("name", ["A", "a.b-c", "with blank", "~!@#/", "{}"])
def test_names_of_variables(name: str) -> None:
    assert is_variable_name(name)


@pytest.mark.parametrize("name", ["", "A=B", "A\n", "\x00", "\x7f", "Ü", "A\u200b"])
def test_what_no_variable_is_called(name: str) -> None:
    assert not is_variable_name(name)


@pytest.mark.parametrize(
    "name", ["web-keyhole-0123456789ab", "keyhole-0123456789ab", "a.b-keyhole-0123456789ab", "9-keyhole-ffffffffffff"]
)
def test_our_form(name: str) -> None:
    assert is_ours(name)


@pytest.mark.parametrize(
    "name",
    [
        "web-keyhole-0123456789a",
        "web-keyhole-0123456789abc",
        "web-keyhole-0123456789aB",
        "webkeyhole-0123456789ab",
        "-keyhole-0123456789ab",
        "../keyhole-0123456789ab",
        "web-keyhole-0123456789ab\n",
        f"{'a' * 43}-keyhole-0123456789ab",
        "",
        None,
        7,
    ],
)
def test_not_our_form(name: object) -> None:
    assert not is_ours(name)


@pytest.mark.parametrize("of", [NOBODY, WEB, Owner("", "Pod", "web.1"), Owner("argoproj.io", "Rollout", "web")])
def test_an_owner_is_read_as_it_is_written(of: Owner) -> None:
    assert read_owner(str(of)) == of


@pytest.mark.parametrize(
    "text",
    ["web", "apps/Deployment", "apps/Deployment/", "apps/Deployment/a/b", "apps//web", "a b/Kind/web", "/Pod/../../x"],
)
def test_no_owner(text: str) -> None:
    assert read_owner(text) is None


@pytest.mark.parametrize("name", ["", "UPPER", "a/b", "a..b", "a" * 254])
def test_a_name_that_kubernetes_refuses_counts_as_none(name: str) -> None:
    assert owner("apps", "Deployment", name) == NOBODY
