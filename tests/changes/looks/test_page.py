"""The page in a real browser, over HTTP: widths, light and dark, paper, axe-core, and the Nu HTML checker."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from changes.page.app import make
from enforcer.telling import json_report
from tests.browsers import BUILD, OPEN_ALL, SCHEMES, WIDTHS, Opened, chromium, nu_html_checker
from tests.changes.page import trails
from tests.changes.page.doors import OpenDoor, seeing
from tests.enforcer.telling import sample

pytestmark = pytest.mark.looks

VIEWS = {
    "changes": "/",
    "nothing-fits": "/?namespace=nowhere&since=2026-01-01",
    "object": "/object/shop/Secret/db",
    "namespace": "/namespace/shop",
    "person": "/person?name=bob%40example.com",
    "compliance": "/compliance",
    "standards": "/standards",
    "bad-query": "/?nmae=db",
    "not-there": "/namespace/nowhere",
}


@dataclass(frozen=True)
class Served:
    """A page that answers: of an ordinary week, of hostile names, of nothing, and of one tenant."""

    addresses: dict[str, str]

    def of(self, name: str, view: str = "/") -> str:
        return self.addresses[name] + view


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    report = tmp_path_factory.mktemp("report") / "report.json"
    report.write_text(json_report.render(sample.ordinary(), "1"), encoding="utf-8")
    nasty = tmp_path_factory.mktemp("report") / "report.json"
    nasty.write_text(json_report.render(sample.hostile(), "1"), encoding="utf-8")
    folders = {name: tmp_path_factory.mktemp(name) for name in ("ordinary", "hostile", "empty")}
    history = trails.repository(folders["ordinary"] / "deploy.git").folder
    ordinary = trails.index(folders["ordinary"], trails.ordinary(), history)
    apps = {
        "ordinary": make(ordinary, OpenDoor(), report, "0.1.0"),
        "hostile": make(trails.index(folders["hostile"], trails.hostile()), OpenDoor(), nasty, "0.1.0"),
        "empty": make(trails.index(folders["empty"], ()), OpenDoor(), None, "0.1.0"),
        "tenant": make(ordinary, seeing("payments"), report, "0.1.0"),
    }
    servers = {
        name: make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet) for name, app in apps.items()
    }
    threads = [threading.Thread(target=each.serve_forever) for each in servers.values()]
    for each in threads:
        each.start()
    yield Served({name: f"http://127.0.0.1:{server.port}" for name, server in servers.items()})
    for server in servers.values():
        server.shutdown()
        server.server_close()
    for each in threads:
        each.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """Return what opens an address, at a width and in a scheme."""
    contexts = []

    def open_page(address: str, width: int = 1400, scheme: str = "light") -> Opened:
        one = Opened(browser, address, width, scheme)
        contexts.append(one.context)
        return one

    yield open_page
    for context in contexts:
        context.close()


def _cases(served: Served, browser: Any) -> dict[str, str]:
    """Return every view, and the states in which views have little or much to say."""
    cases = {name: served.of("ordinary", view) for name, view in VIEWS.items()}
    cases |= {f"hostile-{name}": served.of("hostile", VIEWS[name]) for name in ("changes", "compliance", "standards")}
    cases |= {f"empty-{name}": served.of("empty", VIEWS[name]) for name in ("changes", "compliance")}
    cases |= {f"tenant-{name}": served.of("tenant", VIEWS[name]) for name in ("compliance", "standards")}
    one = Opened(browser, cases["object"])
    cases["commit"] = served.of("ordinary", one.page.locator("a[href^='/commit/']").first.get_attribute("href"))
    one.page.goto(cases["hostile-changes"])
    cases["hostile-object"] = served.of(
        "hostile", one.page.locator("h3 a[href^='/object/']").first.get_attribute("href")
    )
    one.context.close()
    return cases


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_fits_asks_for_its_style_alone_and_axe_finds_nothing(
    opened: Any, served: Served, browser: Any, width: int, scheme: str
) -> None:
    for name, address in _cases(served, browser).items():
        one = opened(address, width, scheme)
        one.screenshot(f"page-{name}-{width}-{scheme}", is_whole=True)
        one.check()
        style = address.split("/", 3)
        assert [each for each in one.heard if "status of 4" not in each] == [
            address,
            "/".join((*style[:3], "style.css")),
        ], name


def test_what_is_planted_is_found(opened: Any, served: Served) -> None:
    """The checks of this module can fail."""
    one = opened(served.of("ordinary"), 380)
    one.page.evaluate("document.querySelector('h1').style.color = '#eee'; document.body.append(new Image())")
    assert {"color-contrast", "image-alt"} <= {rule for rule, _ in one.axe()[0]}
    one.page.evaluate("document.querySelector('.filters').style.width = '2000px'")
    assert one.page.evaluate("document.documentElement.scrollWidth") > 380


def test_no_script_that_is_planted_runs(opened: Any, served: Served) -> None:
    """The policy that comes with a page stops even what got into it."""
    one = opened(served.of("ordinary"))
    one.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')")
    one.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title=1'}))"
    )
    assert one.page.title() == "What changed · Keyhole"
    assert any("Content Security Policy" in each for each in one.heard)


def test_hostile_names_are_text(opened: Any, served: Served) -> None:
    one = opened(served.of("hostile"))
    one.page.evaluate(OPEN_ALL)
    text = one.page.inner_text("main")
    for name in ("<script>alert('keyhole')</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}{% raw %}"):
        assert name in text
    assert one.page.locator("script, img, iframe, object, embed, main form form").count() == 0
    # An Arabic name does not turn what stands beside it.
    assert one.page.locator("bdi", has_text="محفظة").count() > 0


@pytest.mark.parametrize("view", ["changes", "object", "standards"])
def test_paper_has_what_is_closed_on_the_screen_and_no_forms(opened: Any, served: Served, view: str) -> None:
    one = opened(served.of("ordinary", VIEWS[view]), 1400, "dark")
    pdf = one.page.pdf(prefer_css_page_size=True)
    assert re.findall(rb"/Type\s*/Page\b", pdf)
    (BUILD / "looks" / f"page-{view}.pdf").write_bytes(pdf)
    one.page.emulate_media(media="print")
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not one.page.locator("form").first.is_visible()
    heights = "[...document.querySelectorAll('details > .field')].map(each => each.getBoundingClientRect().height)"
    assert all(height > 0 for height in one.page.evaluate(heights))


def test_the_keyboard_filters_and_pages(opened: Any, served: Served) -> None:
    one = opened(served.of("ordinary"))
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.className") == "skip"
    assert one.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    one.page.get_by_label("Namespace").focus()
    one.page.keyboard.type("payments")
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**/?namespace=payments**")
    assert {each.inner_text() for each in one.page.locator("article h3 .name").all()} == {"payments/stripe"}


def test_the_nu_html_checker_says_nothing(served: Served, browser: Any, tmp_path: Path) -> None:
    files = []
    for name, address in _cases(served, browser).items():
        one = Opened(browser, address)
        answer = one.context.request.get(address)
        files.append(tmp_path / f"{name}.html")
        files[-1].write_bytes(answer.body())
        one.context.close()
    assert nu_html_checker(files) == []
