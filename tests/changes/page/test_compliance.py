"""What of a compliance report somebody sees."""

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

from changes.page.app import make
from changes.page.compliance import shown
from changes.page.reports import MOST_BYTES, AnsweredFor, Finding, NoReport, Object, Report, Reports, Standard
from enforcer.telling import json_report
from tests.changes.page.doors import OpenDoor, seeing
from tests.changes.page.reading import document, page
from tests.enforcer.telling import sample

ANSWERED = AnsweredFor(date(2026, 12, 24), "team", "until the move", "RISK-1")


def finding(namespace: str, message: str = "it is wrong", **more: object) -> Finding:
    made = Finding("rule", "error", Object("", "Secret", namespace, "db"), message)
    return msgspec.structs.replace(made, **more)


def report(*findings: Finding, excepted: tuple[Finding, ...] = ()) -> Report:
    return msgspec.structs.replace(
        msgspec.json.decode(json_report.render(sample.empty(), "1"), type=Report),
        standards=(Standard("one", "It is demanded.", "error", "finding", 12, findings, (), excepted),),
    )


class TestShown:
    def test_everything_for_those_who_see_everything(self) -> None:
        seen = shown(report(finding("shop"), finding("")), None)
        assert seen.is_whole
        assert (seen.findings, seen.held) == (2, 12)

    def test_others_see_their_namespaces_and_no_number_of_others(self) -> None:
        seen = shown(report(finding("shop"), finding("payments"), finding("")), ["shop"])
        assert [each.object.namespace for each in seen.standards[0].findings] == ["shop"]
        assert (seen.held, seen.standards[0].held) == (None, None)
        # A standard that only others do not meet looks like one that everybody meets.
        assert shown(report(finding("payments")), ["shop"]).standards[0].status == "none"
        assert shown(report(), ["shop"]).standards[0].status == "none"

    @pytest.mark.parametrize(
        "text",
        [
            "the policy reads secret/payments/card",
            "as keyhole-payments says",
            "Payments",
            "`payments`: it has it too",
            "x" * 5000 + "-payments-" + "y-" * 3000,
        ],
    )
    def test_a_text_that_names_a_namespace_of_others_is_not_told(self, text: str) -> None:
        found = finding("shop", text, file=text, pointer=text)
        seen = shown(report(found, finding("payments")), ["shop"])
        assert "payments" not in repr(seen.standards).lower()
        assert len(seen.standards[0].findings) == 1
        # Another word is another one.
        assert (
            shown(report(finding("shop", "prepayments")), ["shop"], ["payments"]).standards[0].findings[0].message
            == "prepayments"
        )

    def test_a_namespace_that_every_cluster_has_is_no_secret(self) -> None:
        text = "the version of default:secret/shop/db is 4"
        (seen,) = shown(report(finding("shop", text), finding("default")), ["shop"]).standards
        assert [each.message for each in seen.findings] == [text]

    def test_an_exception_is_told_of_what_it_covers(self) -> None:
        mine, others = finding("shop", exception=ANSWERED), finding("payments", exception=ANSWERED)
        (seen,) = shown(report(excepted=(mine, others)), ["shop"]).exceptions
        assert (seen.covers, seen.objects, seen.answered.owner) == (1, (), "team")
        assert seen.days_left(date(2026, 12, 20)) == 4
        telling = finding("shop", exception=msgspec.structs.replace(ANSWERED, reason="payments moves first"))
        (seen,) = shown(report(excepted=(telling, others)), ["shop"]).exceptions
        assert "payments" not in repr(seen)
        assert seen.answered.until == ANSWERED.until


class TestReports:
    def test_it_is_read_again_when_it_is_another_one(self, tmp_path: Path) -> None:
        file = tmp_path / "report.json"
        reports = Reports(file)
        with pytest.raises(NoReport, match="There is no report yet"):
            reports.report()
        file.write_text(json_report.render(sample.ordinary(), "1"), encoding="utf-8")
        first = reports.report()
        assert first.cluster == "production-eu-1"
        assert reports.report() is first
        file.write_text(json_report.render(sample.empty(), "1"), encoding="utf-8")
        assert reports.report().standards == ()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{",
            '{"version": 1}',
            '{"version": "other/v1", "started": "2026-01-01T00:00:00Z", "ended": null}',
            "[" * 100_000,
        ],
    )
    def test_what_is_no_report_says_so_and_quotes_nothing(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "report.json"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(NoReport, match=r"^(The report cannot be read\.|The report has another version)"):
            Reports(file).report()

    def test_a_file_that_is_too_large(self, tmp_path: Path) -> None:
        file = tmp_path / "report.json"
        with file.open("wb") as stream:
            stream.truncate(MOST_BYTES + 1)
        with pytest.raises(NoReport, match="larger than 64 MiB"):
            Reports(file).report()

    def test_every_sample_of_the_enforcer_can_be_read(self, tmp_path: Path, ordinary: Path) -> None:
        for name, made in sample.REPORTS.items():
            file = tmp_path / f"{name}.json"
            file.write_text(json_report.render(made(), "1"), encoding="utf-8")
            client = make(ordinary, OpenDoor(), file, "1").test_client()
            for view in ("/compliance", "/standards"):
                page(client.get(view))
                assert document(client.get(f"{view}?format=json"))["is_whole"]


class TestViews:
    def test_compliance_has_findings_by_standard_and_namespace(self, ordinary: Path, report: Path) -> None:
        client = make(ordinary, OpenDoor(), report, "1").test_client()
        read = page(client.get("/compliance"))
        assert "Findings 17 Not checked 42 Excepted 4 Held 1,518" in read.words
        assert "Error New Secret payments/acquirer the key password is not the one that the record proves" in read.words
        rows = client.get("/compliance?format=csv").text.splitlines()
        assert rows[0].startswith("standard,severity,kind,namespace,name,message,what to do")
        assert len(rows) == 18

    def test_standards_have_their_demand_and_exceptions_with_owner_and_days(self, ordinary: Path, report: Path) -> None:
        client = make(ordinary, OpenDoor(), report, "1").test_client()
        read = page(client.get("/standards"))
        assert (
            "records-proved Each object that Keyhole fills has a record that proves where its values came from."
            " Findings 1" in read.words
        )
        assert "owner team-payments ticket RISK-812 standards no-plaintext" in read.words
        assert "until 5 December 2026 covers 3 findings" in read.words
        assert "/compliance#standard-records-proved" in read.links

    def test_a_tenant_sees_their_own(self, ordinary: Path, report: Path) -> None:
        client = make(ordinary, seeing("payments"), report, "1").test_client()
        told = document(client.get("/compliance?format=json"))
        found = {each["object"]["namespace"] for standard in told["standards"] for each in standard["findings"]}
        assert found == {"payments"}
        assert not told["is_whole"]
        assert "RISK-790" not in json.dumps(told)
        assert "in namespaces that you may view" in page(client.get("/standards")).words
