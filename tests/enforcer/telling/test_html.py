"""The page as a parser of HTML reads it: what stands on it, and that names of somebody else's are text."""

import base64
import functools
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from enforcer.judging.answers import NotChecked
from enforcer.report import Report, Verdict
from enforcer.telling import html
from enforcer.telling.page.shares import shares
from enforcer.telling.page.standards import MOST_FINDINGS
from resolver.references.characters import is_invisible
from review.findings.rule import Severity
from tests.enforcer.telling import sample

MOST_BYTES = 1024 * 1024
# What a page without script has of elements, and no more: a name that became an element would be another one.
VOID = {"meta", "use", "path", "circle", "rect"}


@dataclass
class Page(HTMLParser):
    """A page, read."""

    text: str = ""
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    style: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
        else:
            self.text += data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


def page(report: Report) -> Page:
    read = Page()
    read.feed(html.render(report, "1.2.3"))
    read.close()
    assert read.open == []
    return read


@functools.cache
def named(name: str) -> Page:
    return page(sample.REPORTS[name]())


@pytest.mark.parametrize("name", sample.REPORTS)
class TestEveryPage:
    def test_it_loads_nothing_runs_nothing_and_its_policy_allows_the_style_sheet_alone(self, name: str) -> None:
        read = named(name)
        (policy,) = (meta["content"] for meta in read.all("meta") if meta.get("http-equiv"))
        digest = base64.b64encode(hashlib.sha256(read.style.encode()).digest()).decode()
        assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        assert not {"script", "link", "img", "iframe", "object", "form", "base", "image"} & {
            tag for tag, _ in read.tags
        }
        assert not re.search(r"url\((?!#)|@import|https?:", read.style)
        for _, attributes in read.tags:
            assert not [key for key in attributes if key.startswith("on") or key in {"style", "src"}]
            assert (attributes.get("href") or "#").startswith("#")

    def test_every_link_has_its_target_and_every_target_stands_once(self, name: str) -> None:
        read = named(name)
        targets = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
        assert len(targets) == len(set(targets))
        assert {(link["href"] or "")[1:] for tag in ("a", "use") for link in read.all(tag)} <= set(targets)
        assert {each["aria-labelledby"] for each in read.all("section")} <= set(targets)

    def test_headings_come_in_order(self, name: str) -> None:
        levels = [int(tag[1]) for tag, _ in named(name).tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))

    def test_it_has_a_limit(self, name: str) -> None:
        assert len(html.render(sample.REPORTS[name](), "1").encode()) < MOST_BYTES


def test_hostile_names_are_text_that_a_reader_sees() -> None:
    plain, read = named("ordinary"), named("hostile")
    assert {tag for tag, _ in read.tags} <= {tag for tag, _ in plain.tags}
    for name in ("<script>document.title='x'</script>", "</style></title><svg onload=alert(1)>", "{{ 7 * 7 }}"):
        assert name in read.text
    assert r"\u202egnp.exe\u2066\u200b\ufeff\u001b]0;title\u0007" in read.text
    assert r"a\nb\rc\td\u0000e" in read.text
    assert "x" * 1024 in read.text
    assert not [one for one in read.text.replace("\n", "") if is_invisible(one)]
    # What runs from right to left is kept to itself.
    assert html.render(sample.hostile(), "1").count("<bdi>محفظة-الدفع</bdi>") > 5


def test_no_attribute_holds_what_somebody_else_has_named() -> None:
    def values(report: Report) -> set[str]:
        return {
            re.sub(r"[\d.]+", "0", value or "") for _, attributes in page(report).tags for value in attributes.values()
        }

    named = values(sample.hostile()) - values(sample.ordinary())
    assert not [
        value for value in named if any(part and part in value for text in sample.HOSTILE for part in text.split())
    ]


def test_what_is_in_backticks_is_code_and_a_single_one_stays() -> None:
    plain = sample.standard("no-plaintext")
    found = [
        sample.finding(plain, sample.secret("shop", "a"), text) for text in ("the key `a<b` has", "it `stands", "none")
    ]
    text = html.render(sample.report(Verdict(plain, Severity.ERROR, 1, found, ())), "1")
    assert "<bdi>the key <code>a&lt;b</code> has</bdi>" in text
    assert "<bdi>it `stands</bdi>" in text


class TestWhatItSays:
    def test_of_an_ordinary_night(self) -> None:
        text = " ".join(named("ordinary").text.split())
        assert "7 of 13 standards are not met" in text
        assert "There are 9 errors, 7 warnings and 1 note. 42 things could not be checked" in text
        assert "Checked on 28 November 2026, 03:02 UTC, in 2 min 41 s" in text
        assert "production-eu-1" in text
        assert "3 new, 2 gone" in text
        assert "clusters/production/search/secrets.yaml:31" in text
        # What nobody knows of this time is neither there nor gone.
        assert "Not looked at again 1 values-current Secret identity/sso" in text
        # An exception: who answers for it, and for how long.
        assert "owner team-payments ticket RISK-812" in text
        assert "Ends soon 7 days left until 5 December 2026 covers 3 findings" in text
        assert "Ended 8 days ago" in text
        # Equal reasons stand on one line.
        assert text.count("the mount is KV v1, which keeps no versions") == 1

    def test_of_a_night_on_which_all_is_held(self) -> None:
        text = page(sample.all_held()).text
        assert "All 14 standards are met" in text
        assert "There are no findings. Everything was looked at." in text

    def test_nothing_that_was_not_looked_at_is_told_as_held(self) -> None:
        assert "Nothing was checked" in page(sample.empty()).text
        begun = page(sample.not_begun()).text
        assert "The run has not ended" in begun
        assert "what stands here is not whole" in begun
        assert "Not everything could be checked" in page(sample.large(findings=0)).text
        assert " are met" not in begun

    def test_a_single_one_of_each_is_told_in_the_singular(self) -> None:
        one = sample.standard("trail")
        found = [sample.finding(one, sample.secret("a", "b"), "it differs")]
        unchecked = [NotChecked(sample.secret("a", "c"), "no key")]
        report = sample.report(Verdict(one, Severity.NOTE, 0, found, unchecked))
        text = page(replaced(report, ended=report.started + timedelta(seconds=9))).text
        assert "1 of 1 standard is not met" in text
        assert "in 9 s" in text
        assert "1 thing could not be checked, and counts as neither good nor bad" in text


class TestOfMany:
    def test_every_namespace_has_its_share_and_the_rest_is_counted(self) -> None:
        read = named("large")
        assert read.text.count("was written by") == MOST_FINDINGS
        assert "250 of 5,000 are shown" in read.text
        assert read.text.count("95 more here: see the JSON report.") == 50
        assert read.text.count("988 more for the same reason") == 1

    def test_small_groups_are_shown_wholly_and_large_ones_share_what_is_left(self) -> None:
        assert shares({"a": 3, "b": 1000, "c": 1000, "d": 0}, 103) == {"d": 0, "a": 3, "b": 50, "c": 50}
        assert sum(shares({str(number): 10 for number in range(400)}, 250).values()) == 250
        assert shares({}, 5) == {}

    def test_the_worst_and_newest_come_first(self) -> None:
        one = sample.standard("no-plaintext")
        notes = [
            replaced(sample.finding(one, sample.secret("shop", f"a{number}"), f"note {number}"), severity=Severity.NOTE)
            for number in range(MOST_FINDINGS)
        ]
        error = sample.finding(one, sample.secret("shop", "z"), "the error")
        verdict = Verdict(one, Severity.ERROR, 0, [*notes, error], ())
        report = replaced(sample.report(verdict), new=frozenset({notes[-1].fingerprint}), gone=())
        details = page(report).text.partition("What to do")[2]
        assert details.index("the error") < details.index(f"note {MOST_FINDINGS - 1}") < details.index("note 0")
        assert f"note {MOST_FINDINGS - 2}" not in details

    def test_more_namespaces_than_are_shown_are_counted(self) -> None:
        one = sample.standard("no-plaintext")
        found = [sample.finding(one, sample.secret(f"n{number:04}", "a"), "it is") for number in range(600)]
        text = page(sample.report(Verdict(one, Severity.ERROR, 0, found, ()))).text
        assert "350 more namespaces: see the JSON report." in text
