"""The Enforcer's page in a real browser: widths, light and dark, paper, axe-core, and the Nu HTML checker."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enforcer.telling import html
from tests.browsers import BUILD, OPEN_ALL, SCHEMES, WIDTHS, Opened, chromium, nu_html_checker
from tests.enforcer.telling import sample

pytestmark = pytest.mark.looks


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the file of each report's page."""
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name}.html" for name in sample.REPORTS}
    for name, file in files.items():
        file.write_text(html.render(sample.REPORTS[name](), "0.1.0"), encoding="utf-8")
    return files


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    """Return what opens a page, at a width and in a scheme."""
    contexts = []

    def open_page(name: str, width: int = 1400, scheme: str = "light") -> Opened:
        one = Opened(browser, pages[name].as_uri(), width, scheme)
        contexts.append(one.context)
        return one

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", sample.REPORTS)
def test_it_fits_each_width_asks_for_nothing_and_axe_finds_nothing(
    opened: Any, name: str, width: int, scheme: str
) -> None:
    one = opened(name, width, scheme)
    one.screenshot(f"{name}-{width}-{scheme}", is_whole=name == "ordinary")
    one.check()
    assert one.heard == [one.address]


def test_what_is_planted_is_found(opened: Any) -> None:
    """The checks of this module can fail."""
    one = opened("ordinary", 380)
    one.page.evaluate("document.querySelector('h1').style.color = '#eee'; document.body.append(new Image())")
    found = {rule for rule, _ in one.axe()[0]}
    assert {"color-contrast", "image-alt"} <= found
    one.page.evaluate("document.querySelector('main').style.width = '2000px'")
    assert one.page.evaluate("document.documentElement.scrollWidth") > 380


def test_hostile_names_are_text(opened: Any) -> None:
    one = opened("hostile")
    one.page.evaluate(OPEN_ALL)
    text = one.page.inner_text("main")
    for name in ("<script>document.title='x'</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"):
        assert name in text
    assert one.page.title() != "x"
    assert one.page.locator("script, img, iframe, object, embed, form").count() == 0
    assert one.heard == [one.address]
    # An Arabic name does not turn what stands beside it.
    assert one.page.locator("bdi", has_text="محفظة").count() > 0


@pytest.mark.parametrize("name", ["ordinary", "large", "hostile"])
def test_paper_shows_what_is_closed_on_the_screen(opened: Any, name: str) -> None:
    one = opened(name, 1400, "dark")
    pdf = one.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 1
    (BUILD / "looks" / f"{name}.pdf").write_bytes(pdf)
    one.page.emulate_media(media="print")
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    heights = "[...document.querySelectorAll('details > ul')].map(each => each.getBoundingClientRect().height)"
    assert all(height > 0 for height in one.page.evaluate(heights))


def test_the_keyboard_reaches_a_namespace_and_shows_where_it_is(opened: Any) -> None:
    one = opened("large")
    one.page.keyboard.press("Tab")
    assert one.page.evaluate("document.activeElement.className") == "skip"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert one.page.evaluate(outline) == "solid"
    # A link of the index opens the group that it leads to.
    link = one.page.locator(".index a").first
    target = one.page.locator(link.get_attribute("href") or "")
    assert not target.is_visible()
    link.focus()
    one.page.keyboard.press("Enter")
    target.wait_for(state="visible")


def test_the_nu_html_checker_says_nothing(pages: dict[str, Path]) -> None:
    assert nu_html_checker(list(pages.values())) == []


def test_what_is_wrong_is_found_by_the_nu_html_checker(pages: dict[str, Path], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    wrong.write_text(pages["ordinary"].read_text(encoding="utf-8").replace("<main", "<b><main"), encoding="utf-8")
    assert nu_html_checker([wrong]) != []
