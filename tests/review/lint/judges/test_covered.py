"""KH104 and KH108: policies in Git beside the manifests."""

from pathlib import Path

import pytest
import yaml

from cli.commands.review.known_connections import read as connections
from review.lint.judges.connection import Connection
from review.lint.judges.covered import Covered
from review.lint.lint import Lint, Source
from review.policies.folder import read
from review.sources.text import NotChecked, Place
from tests.review.lint.judges.tree import TODAY, grant, judged, reasons, secret, told, write

UNUSED = "what policies allow and no manifest refers to (KH108)"
BOTH = ("secret/data/shop/app", "secret/metadata/shop/app")
APP = secret("shop", "vault:secret/shop/app#a")


def known(folder: Path, role: str = "keyhole-{namespace}") -> dict[str, Connection]:
    one = {"address": "https://v.example", "auth": {"method": "jwt", "role": role}, "mounts": {"secret": 2, "old": 1}}
    file = folder.parent / "connections.yaml"
    file.write_text(yaml.safe_dump({"connections": {"default": one}}))
    return dict(connections(file))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "policies"
    path.mkdir()
    return path


def covered(folder: Path, *, is_whole: bool = True, **policies: str) -> Covered:
    return Covered({"default": read(write(folder, **policies))}, known(folder), is_whole)


def test_a_policy_that_allows_exactly_what_is_needed(folder: Path) -> None:
    report = judged([covered(folder, keyhole__shop=grant(*BOTH))], APP)
    assert (report.findings, report.unchecked) == ([], [])


@pytest.mark.parametrize(
    ("policy", "severity", "message"),
    [
        ("", "error", "policy keyhole-shop does not allow reading secret/data/shop/app"),
        (
            grant("secret/data/shop/ap"),
            "error",
            (
                "policy keyhole-shop does not allow reading secret/data/shop/app; the nearest that it allows is "
                "secret/data/shop/ap"
            ),
        ),
        (grant("secret/shop/app"), "error", "policy keyhole-shop does not allow reading secret/data/shop/app"),
        (
            grant("secret/data/shop/*") + grant("secret/data/shop/app", capability="deny"),
            "error",
            "policy keyhole-shop does not allow reading secret/data/shop/app",
        ),
        (
            grant(BOTH[0]),
            "warning",
            "policy keyhole-shop does not allow reading secret/metadata/shop/app; Keyhole gets the value, and",
        ),
    ],
)
def test_what_a_policy_lacks(folder: Path, policy: str, severity: str, message: str) -> None:
    report = judged([covered(folder, keyhole__shop=policy)], APP)
    assert next(each[1:] for each in told(report, "KH104"))[0] == severity
    assert told(report, "KH104")[0][2].startswith(message)


def test_every_form_of_a_reference_needs_its_path(folder: Path) -> None:
    whole = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop, annotations: {keyhole.dev/from: "
        "secret/shop/whole}}\nstringData: {x: 'a((vault:secret/shop/inline#b))'}\n"
    )
    variable = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: shop}\nspec: {template: {metadata: "
        "{annotations: {env.keyhole.dev/A: 'vault:secret/shop/variable#a'}}, spec: {containers: [{name: a}]}}}\n"
    )
    report = judged([covered(folder, keyhole__shop="")], whole, variable)
    assert sorted(each[2].rpartition("/")[2] for each in told(report, "KH104")) == ["inline", "variable", "whole"]


def test_what_cannot_be_known_is_not_checked(folder: Path) -> None:
    judge = covered(folder, keyhole__shop=grant("secret/+/{{identity.entity.name}}/app"), broken="path {")
    texts = (secret("shop", "vault:secret/shop/app#a"), secret("pay", "vault:secret/pay/app#a"))
    report = judged([judge], *texts, secret("", "vault:secret/x/app#a"), secret("shop", "vault+other:a/b#c"))
    assert told(report, "KH104") == []
    assert [each.partition(": ")[2] or each for each in reasons(report)][:4] == [
        "not HCL",
        "whether its policy allows it depends on a template, or on what else is in the request",
        f"there is no policy keyhole-pay to be read in {folder}",
        "no file says in which namespace the object will be, so it has no policy",
    ]


def test_one_policy_for_all_namespaces_is_read_as_each_of_them(folder: Path) -> None:
    name = "{{identity.entity.aliases.auth_jwt_1.metadata.service_account_namespace}}"
    policies = read(write(folder, keyhole=grant(f"secret/data/{name}/*", f"secret/metadata/{name}/*")))
    judge = Covered({"default": policies}, known(folder, role="keyhole"), is_whole=True)
    report = judged([judge], APP, secret("pay", "vault:secret/shop/app#a"))
    assert [each[2] for each in told(report, "KH104", "KH108")] == [
        "policy keyhole does not allow reading secret/data/shop/app"
    ]


def test_a_base_of_several_overlays_is_judged_in_the_namespace_of_each(folder: Path) -> None:
    own = "secret/data/common/app", "secret/metadata/common/app"
    run = Lint(TODAY, judges=[covered(folder, keyhole__shop=grant(*own), keyhole__pay="", keyhole__old=grant(*own))])
    files = {
        "base/app.yaml": secret("", "vault:secret/common/app#a"),
        "base/kustomization.yaml": "resources: [app.yaml]\n",
        "shop/kustomization.yaml": "namespace: shop\nresources: [../base]\n",
        "pay/kustomization.yaml": "namespace: pay\nresources: [../base]\n",
    }
    for name, text in files.items():
        run.look(Source(name, text.encode))
    report = run.report()
    assert told(report, "KH104", "KH108") == [
        ("KH104", "error", "policy keyhole-pay does not allow reading secret/data/common/app")
    ]
    assert reasons(report) == [f"{UNUSED}: no manifest of the namespace old is here"]


class TestWithoutConnections:
    """Nobody says where mounts end."""

    @pytest.mark.parametrize(
        ("granted", "findings", "unchecked"),
        [
            (BOTH, 0, 0),
            (("secret/*",), 0, 0),
            (("secret/shop/data/app", "secret/shop/metadata/app"), 0, 0),
            (("secret/shop/app",), 0, 1),
            (("secret/data/other",), 1, 0),
        ],
    )
    def test_something_has_to_cover_it_in_any_case(
        self, folder: Path, granted: tuple[str, ...], findings: int, unchecked: int
    ) -> None:
        policies = read(write(folder, keyhole__shop=grant(*granted)))
        report = judged([Covered({"default": policies}, {}, is_whole=True)], APP)
        assert (len(told(report, "KH104")), len(report.unchecked)) == (findings, unchecked)


class TestUnused:
    def test_what_nothing_refers_to_is_told_once_a_secret(self, folder: Path) -> None:
        own = grant(*BOTH, "secret/data/shop/old", "secret/metadata/shop/old", "old/x", "sys/health")
        report = judged([covered(folder, keyhole__shop=own + grant("auth/token/revoke-self"))], APP)
        assert told(report, "KH108") == [
            ("KH108", "warning", "policy keyhole-shop allows secret/data/shop/old, which nothing in shop refers to"),
            ("KH108", "warning", "policy keyhole-shop allows old/x, which nothing in shop refers to"),
        ]
        assert [each.place.line for each in report.findings] == [7, 13]

    def test_a_reference_that_may_be_of_the_namespace_counts(self, folder: Path) -> None:
        report = judged([covered(folder, keyhole__shop=grant(*BOTH))], secret("", "vault:secret/shop/app#a"), NAMESPACE)
        assert told(report, "KH108") == []

    def test_a_namespace_with_a_manifest_and_no_references_needs_nothing(self, folder: Path) -> None:
        assert len(told(judged([covered(folder, keyhole__shop=grant(*BOTH))], NAMESPACE), "KH108")) == 1

    def test_a_policy_of_somebody_else_is_not_judged(self, folder: Path) -> None:
        report = judged([covered(folder, ci=grant("secret/data/ci"))], APP)
        assert told(report, "KH108") == []

    @pytest.mark.parametrize(
        ("is_whole", "texts", "reason"),
        [
            (False, (APP,), "is known only when a whole folder is looked at"),
            (True, (APP, NotChecked(Place("x.yaml"), "why")), "is not known, as not everything could be read"),
            (True, (secret("pay", "vault:secret/pay/x#a"),), "no manifest of the namespace shop is here"),
        ],
    )
    def test_it_is_judged_only_if_everything_was_looked_at(
        self, folder: Path, is_whole: bool, texts: tuple[str | NotChecked, ...], reason: str
    ) -> None:
        judge = covered(folder, is_whole=is_whole, keyhole__shop=grant(*BOTH, "secret/data/shop/old"))
        report = judged([judge], *texts)
        assert told(report, "KH108") == []
        assert any(each.endswith(reason) for each in reasons(report))


NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"


def test_a_policy_that_is_there_twice_is_none(folder: Path) -> None:
    (folder / "x.tf").write_text('resource "vault_policy" "x" {\n name = "keyhole-shop"\n policy = ""\n}\n')
    report = judged([covered(folder, keyhole__shop=grant(*BOTH))], APP)
    assert told(report, "KH104") == []
    assert reasons(report) == [
        f"there are two policies keyhole-shop in {folder}",
        f"secret/shop/app: there is no policy keyhole-shop to be read in {folder}",
    ]
