"""What somebody may not see is not there: the same answer, whatever the view and the form."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from changes.page.app import make
from tests.changes.page.doors import OpenDoor, Somebody, seeing
from tests.changes.page.reading import document

# The same in a namespace of others, and in one that is in no index. Names of the first must be in no answer.
HIDDEN = ("/object/payments/Secret/stripe", "/namespace/payments", "/person?name={argocd}", "/commit/deploy/{commit}")
NOWHERE = (
    "/object/nowhere/Secret/none",
    "/namespace/nowhere",
    "/person?name=nobody",
    "/commit/deploy/0123456789abcdef",
)
ARGOCD = "system:serviceaccount:argocd:argocd-application-controller"
CANARIES = ("payments", "stripe", "argocd", "Grace", "secret/identity", "sso", "checkout", "acquirer", "legacy-ldap")
FORMS = ("", "json", "csv")


@pytest.fixture(scope="module")
def everything(ordinary: Path, report: Path) -> FlaskClient:
    return make(ordinary, OpenDoor(), report, "1").test_client()


@pytest.fixture(scope="module")
def shop(ordinary: Path, report: Path) -> FlaskClient:
    return make(ordinary, seeing("shop"), report, "1").test_client()


@pytest.fixture(scope="module")
def commit(everything: FlaskClient) -> str:
    """Return the ID of the commit that wrote what the namespace payments has."""
    changes = document(everything.get("/?namespace=payments&format=json"))["changes"]
    (found,) = {field["commit"]["id"] for change in changes for field in change["fields"]}
    return str(found)


@pytest.mark.parametrize(("hidden", "nowhere"), list(zip(HIDDEN, NOWHERE, strict=True)))
def test_what_is_hidden_answers_like_what_is_not_there(
    shop: FlaskClient, everything: FlaskClient, commit: str, hidden: str, nowhere: str
) -> None:
    address = hidden.format(argocd=ARGOCD, commit=commit)
    for form in FORMS:
        query = ("&" if "?" in address else "?") + f"format={form}"
        there, not_there = shop.get(address + query), shop.get(nowhere + query)
        assert everything.get(address + query).status_code == 200
        assert there.status_code == not_there.status_code == 404
        assert there.data == not_there.data
        assert there.headers == not_there.headers


@pytest.mark.parametrize(
    "query",
    [
        "namespace=payments",
        "name=stripe",
        f"requester={ARGOCD}",
        "reference=vault:secret/payments/stripe%23key",
        "commit={commit}",
    ],
)
def test_a_filter_finds_nothing_of_others(shop: FlaskClient, everything: FlaskClient, commit: str, query: str) -> None:
    asked = query.format(commit=commit)
    name, _, text = asked.partition("=")
    assert everything.get(f"/?{asked}&format=csv").text.count("\n") > 1
    for form in FORMS:
        found, none = shop.get(f"/?{asked}&format={form}"), shop.get(f"/?{name}=nowhere&format={form}")
        assert found.status_code == none.status_code == 200
        # But for what was asked for, which forms and links repeat.
        assert _without(found.text, text, text.replace("%23", "#")) == _without(none.text, "nowhere")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "address",
    ["/", "/object/shop/Secret/db", "/namespace/shop", "/person?name=bob%40example.com", "/compliance", "/standards"],
)
def test_no_name_of_others_stands_anywhere(shop: FlaskClient, address: str, form: str) -> None:
    answer = shop.get(f"{address}{'&' if '?' in address else '?'}format={form}")
    assert answer.status_code == 200
    assert not [name for name in CANARIES if name in answer.text]


def test_where_pages_begin_gives_nothing_away(shop: FlaskClient, everything: FlaskClient) -> None:
    """A position is a time and a number, whoever's change it is: behind it stands what whoever asks may see."""
    for number in (1, 2, 10**6):
        read = document(shop.get(f"/?behind=9000000000000000-{number}&format=json"))
        assert {each["object"]["namespace"] for each in read["changes"]} == {"shop"}
        assert read["next"] is None
    assert len(document(everything.get("/?behind=9000000000000000-1&format=json"))["changes"]) > len(read["changes"])


def test_who_sees_no_namespace_sees_nothing(ordinary: Path, report: Path) -> None:
    client = make(ordinary, OpenDoor(Somebody(())), report, "1").test_client()
    assert "No change yet that you may see" in client.get("/").text
    assert document(client.get("/?format=json"))["changes"] == []
    assert client.get("/namespace/shop").status_code == 404
    told = document(client.get("/compliance?format=json"))
    assert not [each for each in told["standards"] if each["findings"] or each["unchecked"] or each["excepted"]]
    assert {each["held"] for each in told["standards"]} == {None}
    assert told["exceptions"] == []
    assert "payments" not in json.dumps(told)


def _without(text: str, *given: str) -> str:
    for each in given:
        for form in (each, quote(each), quote(each, safe="")):
            text = text.replace(form, "")
    return text
