"""The page over Flask's test client, with a real index: what each view shows, and how every answer is protected."""

import logging
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from changes.access.viewer import NotKnownNow, NotLetIn
from changes.page.app import CONTENT_SECURITY_POLICY, make
from changes.page.asked import FILTERS
from tests.changes.page import trails
from tests.changes.page.doors import OpenDoor
from tests.changes.page.reading import page

VIEWS = (
    "/",
    "/?namespace=shop&kind=Secret",
    "/object/shop/Secret/db",
    "/object/shop/HelmRelease/web?group=helm.toolkit.fluxcd.io",
    "/namespace/shop",
    "/person?name=bob%40example.com",
    "/compliance",
    "/standards",
)


@pytest.fixture(scope="module")
def client(ordinary: Path, report: Path) -> FlaskClient:
    return make(ordinary, OpenDoor(), report, "1.2.3").test_client()


class TestViews:
    def test_changes_have_days_diffs_people_requests_and_commits(self, client: FlaskClient) -> None:
        read = page(client.get("/"))
        assert read.words.index("Secret identity/sso") < read.words.index("Secret payments/stripe")
        assert "Secret shop/db" in read.words
        assert (
            "changed by Flux, Kustomization flux-system/apps as ServiceAccount flux-system/kustomize-controller"
            in read.words
        )
        assert f"\u2212before: {trails.DB} (v2) +now: {trails.DB_EU} (v1) Vault request " in read.words
        assert "Exact commit" in read.words
        assert "by Ada Move the shop's database to Europe deploy: shop/db.yaml:7" in read.words
        assert "rotated in Vault: v7 → v8" in read.words
        assert "4 more fields" in read.words
        assert "Commit unknown" in read.words
        assert "/object/shop/HelmRelease/web?group=helm.toolkit.fluxcd.io" in read.links

    def test_filters_and_what_they_repeat(self, client: FlaskClient) -> None:
        read = page(client.get("/?namespace=shop&kind=ConfigMap&since=2020-01-01&until="))
        assert "ConfigMap shop/settings" in read.words
        assert "Secret" not in read.words
        values = {each.get("name"): each.get("value") for tag, each in read.tags if tag == "input"}
        assert (values["namespace"], values["kind"], values["since"], values["until"]) == (
            "shop",
            "ConfigMap",
            "2020-01-01",
            "",
        )
        assert "No change fits these filters" in page(client.get("/?namespace=nowhere")).words

    def test_an_object_says_what_it_refers_to_now(self, client: FlaskClient) -> None:
        read = page(client.get("/object/shop/Secret/db"))
        assert (
            f"What it refers to As of the last change that was read. /data/password {trails.DB_EU} (v1) since"
            in read.words
        )
        assert read.words.count("Secret shop/db") == 4
        gone = page(client.get("/object/shop/ConfigMap/settings"))
        assert "its last change took the references away" in gone.words

    def test_a_namespace_has_its_objects_and_a_picture(self, client: FlaskClient) -> None:
        read = page(client.get("/namespace/shop"))
        assert "7 changes in the last 30 days" in read.words
        assert "/object/shop/ConfigMap/settings" in read.links
        assert sum(tag == "rect" for tag, _ in read.tags) >= 4
        assert "payments" not in read.words

    def test_a_commit_has_what_it_changed(self, client: FlaskClient) -> None:
        (address,) = {each for each in page(client.get("/object/shop/Secret/session")).links if "/commit/" in each}
        read = page(client.get(address))
        assert "The session cache has a user" in read.words
        assert "Secret shop/session" in read.words
        assert "Secret shop/db" not in read.words

    def test_a_person_has_what_they_changed_everywhere(self, client: FlaskClient) -> None:
        read = page(client.get("/person?name=bob%40example.com"))
        assert "Secret identity/sso" in read.words
        assert "ConfigMap shop/settings" in read.words
        assert "Secret shop/db" not in read.words

    def test_pages_go_on_until_the_oldest(self, tmp_path: Path) -> None:
        from tests.changes import sample

        client = make(trails.index(tmp_path, sample.more(160, kept=0)), OpenDoor(), None, "1").test_client()
        address, seen = "/", list[str]()
        for _ in range(10):
            read = page(client.get(address))
            seen += [each["id"] for tag, each in read.tags if tag == "article"]
            older = [each["href"] for tag, each in read.tags if each.get("rel") == "next"]
            if not older:
                break
            (address,) = older
        assert len(seen) == len(set(seen)) == 160
        assert "These are the oldest." in read.words


class TestEmpty:
    def test_nothing_was_read_yet(self, tmp_path: Path) -> None:
        client = make(trails.index(tmp_path, ()), OpenDoor(), None, "1").test_client()
        assert "No change yet that you may see" in page(client.get("/")).words
        assert "--compliance" in page(client.get("/compliance")).words

    def test_there_is_no_index(self, tmp_path: Path) -> None:
        client = make(tmp_path / "none", OpenDoor(), None, "1").test_client()
        answer = client.get("/")
        assert answer.status_code == 503
        assert "There is no index yet" in page(answer).words
        assert answer.headers["Retry-After"] == "10"
        # As soon as there is one, it is read.
        trails.index(tmp_path, trails.ordinary()).rename(tmp_path / "none")
        assert client.get("/").status_code == 200

    def test_a_file_that_is_no_index(self, tmp_path: Path) -> None:
        file = tmp_path / "index"
        file.write_bytes(b"x" * 10_000)
        answer = make(file, OpenDoor(), None, "1").test_client().get("/")
        assert answer.status_code == 503
        assert str(tmp_path) not in answer.text


class TestEveryAnswer:
    @pytest.mark.parametrize("address", [*VIEWS, "/style.css", "/nowhere", "/?x=1", "/object/a/b/c"])
    def test_nothing_is_run_framed_kept_or_passed_on(self, client: FlaskClient, address: str) -> None:
        headers = client.get(address).headers
        assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert "script" not in CONTENT_SECURITY_POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Set-Cookie" not in headers

    @pytest.mark.parametrize("address", VIEWS)
    def test_a_view_is_sound_html_and_head_says_the_same(self, client: FlaskClient, address: str) -> None:
        answer, head = client.get(address), client.head(address)
        page(answer)
        assert head.status_code == answer.status_code == 200
        assert head.data == b""
        assert head.headers["Content-Type"] == answer.headers["Content-Type"]

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
    def test_other_methods_are_not_allowed(self, client: FlaskClient, method: str) -> None:
        for address in (*VIEWS, "/style.css"):
            answer = client.open(address, method=method)
            assert answer.status_code == 405
            assert answer.headers["Allow"] == "GET, HEAD"

    @pytest.mark.parametrize(
        "text",
        [
            *trails.HOSTILE,
            "'; --",
            "%",
            "\\",
            "0" * 40,
            "deadbee",
            "١٢٣",
            "1e9",
            "\ud800".encode("utf-8", "replace").decode(),
        ],
    )
    def test_whatever_stands_in_an_address_no_view_breaks(self, client: FlaskClient, text: str) -> None:
        parts = [
            f"/object/{text}/{text}/{text}",
            f"/namespace/{text}",
            f"/commit/{text}/{text}",
            f"/commit/deploy/{text}",
        ]
        queries = [*({name: text} for name in (*FILTERS, "behind", "format")), {text: text}]
        asked = [
            *(client.get("/", environ_overrides={"PATH_INFO": path.encode().decode("latin-1")}) for path in parts),
            *(client.get("/", query_string=query) for query in queries),
            client.get("/person", query_string={"name": text}),
            client.get("/object/shop/Secret/db", query_string={"group": text}),
        ]
        assert {answer.status_code for answer in asked} <= {200, 400, 404}
        for answer in asked:
            page(answer)

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "//example.com/",
            "//example.com/object/shop/Secret/db",
            "/namespace/shop/",
            "/object/shop/Secret//db",
            "/namespace/../../etc",
            "/namespace/..",
            "/commit/deploy/../../etc",
            "/\r\nSet-Cookie: a=b",
            "/namespace/\xff\xfe",
            "/namespace/" + "x" * 5000,
        ],
    )
    def test_no_address_leads_elsewhere(self, client: FlaskClient, address: str) -> None:
        answer = client.get("/", environ_overrides={"PATH_INFO": address})
        assert answer.status_code == 404
        assert "Location" not in answer.headers
        page(answer)

    @pytest.mark.parametrize(
        ("query", "named"),
        [
            ("x=1", "x is no parameter"),
            ("namespace=a%00b", "namespace has a character that nobody can see"),
            ("name=%E2%80%AEevil", "name has a character"),
            ("behind=1;DROP", "behind is not"),
            ("since=10000-01-01", "since has to be a day"),
            ("kind=" + "x" * 1025, "kind is longer than 1024 characters"),
            ("name=" + "x" * 2**20, "the query is longer than 8192 bytes"),
            ("%3Cscript%3E=1", "<script> is no parameter"),
            ("format=pdf", "format has to be html, json or csv"),
        ],
    )
    def test_a_hostile_query_is_refused_by_name(self, client: FlaskClient, query: str, named: str) -> None:
        answer = client.get(f"/?{query}")
        assert answer.status_code == 400
        assert f"This address is not understood: {named}" in page(answer).words

    def test_errors_come_in_the_form_that_was_asked_for(self, client: FlaskClient) -> None:
        answer = client.get("/object/a/b/c?format=json")
        assert answer.json == {"status": 404, "error": "There is nothing here, or nothing that you may see."}
        assert client.get("/?x=1&format=csv").content_type == "text/plain; charset=utf-8"


class TestWhoAsks:
    def test_who_is_not_let_in_is_told_why(self, ordinary: Path) -> None:
        class Shut:
            def viewer(self, _request: object) -> object:
                raise NotLetIn(401, "There is no token.")

        answer = make(ordinary, Shut(), None, "1").test_client().get("/")  # type: ignore[arg-type]  # it lets nobody in
        assert answer.status_code == 401
        assert "There is no token." in page(answer).words
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_what_nobody_can_say_is_refused(self, ordinary: Path, report: Path) -> None:
        class Unsure:
            name = "alice"

            def visible(self, _namespaces: object) -> None:
                raise NotKnownNow("The API server does not answer. Try again in a minute.")

        client = make(ordinary, OpenDoor(Unsure()), report, "1").test_client()  # type: ignore[arg-type]  # as above
        for address in VIEWS:
            answer = client.get(address)
            assert answer.status_code == 503
            assert "The API server does not answer." in page(answer).words
            assert "shop" not in answer.text

    def test_a_bug_tells_nothing_of_the_request(self, ordinary: Path, caplog: pytest.LogCaptureFixture) -> None:
        class Broken:
            name = "alice"

            def visible(self, _namespaces: object) -> None:
                raise KeyError("canary-message")

        client = make(ordinary, OpenDoor(Broken()), None, "1").test_client()  # type: ignore[arg-type]  # as above
        with caplog.at_level(logging.DEBUG):
            answer = client.get("/?name=canary-query")
        assert answer.status_code == 500
        assert "Traceback" not in answer.text
        assert "canary" not in answer.text
        assert "bug: KeyError at " in caplog.text
        assert "canary" not in caplog.text


def test_hostile_names_are_text(hostile: Path) -> None:
    client = make(hostile, OpenDoor(), None, "1").test_client()
    first = page(client.get("/"))
    for text in (
        "<script>alert('keyhole')</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}{% raw %}",
        "n" * 900,
    ):
        assert text in first.text
    assert r"\u202eevil\u2066" in first.text
    assert "<bdi>محفظة-الدفع</bdi>" in client.get("/").text
    # Every link leads to a view that is there, and is as sound.
    followed = {each for each in first.links if each.startswith("/") and "format=" not in each}
    assert len(followed) > 40
    for address in sorted(followed):
        answer = client.get(address)
        assert answer.status_code == 200, address
        page(answer)
