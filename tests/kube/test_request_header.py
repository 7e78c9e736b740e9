import pytest

from kube.registration.request_header import RequestHeader, RequestHeaderError, parse

DATA = {
    "client-ca-file": "client CA",
    "requestheader-allowed-names": '["front-proxy-client", "other"]',
    "requestheader-client-ca-file": "front-proxy CA",
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-username-headers": '["X-Remote-User"]',
}


def test_the_config_map_of_an_api_server() -> None:
    names = frozenset({"front-proxy-client", "other"})
    assert parse(DATA) == RequestHeader("front-proxy CA", names, ("X-Remote-User",), "client CA")


@pytest.mark.parametrize("names", [{"requestheader-allowed-names": "[]"}, {"requestheader-allowed-names": ""}, {}])
def test_no_names_and_no_client_ca(names: dict[str, str]) -> None:
    data = {
        "requestheader-client-ca-file": "front-proxy CA",
        "requestheader-username-headers": '["X-Remote-User"]',
        **names,
    }
    assert parse(data) == RequestHeader("front-proxy CA", frozenset(), ("X-Remote-User",), "")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("requestheader-client-ca-file", "", id="no CA: every certificate would do"),
        pytest.param("requestheader-client-ca-file", " \n", id="a blank CA"),
        pytest.param("requestheader-allowed-names", "front-proxy-client", id="names that are not JSON"),
        pytest.param("requestheader-allowed-names", '"front-proxy-client"', id="names that are one text"),
        pytest.param("requestheader-allowed-names", '["front-proxy-client", null]', id="a name that is null"),
        pytest.param("requestheader-allowed-names", '[""]', id="a name that is empty"),
        pytest.param("requestheader-allowed-names", "[" * 100_000, id="names without end"),
        pytest.param("requestheader-username-headers", "[]", id="no header that tells the user"),
        pytest.param("requestheader-username-headers", "{}", id="headers that are an object"),
    ],
)
def test_what_does_not_say_whom_to_trust_is_refused(key: str, value: str) -> None:
    with pytest.raises(RequestHeaderError, match=key):
        parse({**DATA, key: value})
