import pytest

from manifests.fields.scan import Form, Scan, scan_object
from manifests.fields.texts import reads_as_reference
from manifests.kinds.secret import SECRET
from resolver.references.grammar import Template
from resolver.references.value import SecretValue
from tests.manifests.secrets import secret

REF = "vault:secret/app#password"


def keys(scan: Scan) -> dict[str, Form]:
    return {wanted.key: wanted.form for wanted in scan.wanted}


def only_problem(scan: Scan) -> tuple[str, str]:
    (problem,) = scan.problems
    return problem.origin, problem.message


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(secret({"a": "plain"}), {}, id="a plain Secret wants nothing"),
        pytest.param(secret(), {}, id="a Secret without data wants nothing"),
        pytest.param(secret(annotations={"data.keyhole.dev/a": REF}), {"a": Form.ANNOTATION}, id="an annotation"),
        pytest.param(
            secret(annotations={"keyhole.dev/fields": f"/data/.netrc: {REF}"}),
            {".netrc": Form.ANNOTATION},
            id="a field by its pointer",
        ),
        pytest.param(secret({"a": REF}), {"a": Form.IN_PLACE}, id="a whole value in place"),
        pytest.param(secret({"a": f"x=${{{REF}}};"}), {"a": Form.IN_PLACE}, id="an inline reference in place"),
        pytest.param(secret({"a": f"x=(({REF}))"}), {"a": Form.IN_PLACE}, id="an inline reference in our brackets"),
        pytest.param(secret({"a": b"\xff\xfevault:secret/app#b"}), {}, id="binary data holds no reference"),
        pytest.param(secret({"a": "the vault: is here"}), {}, id="the word in a text is no reference"),
        pytest.param(secret({"a": "${vault_addr}"}), {}, id="another variable is no reference"),
        pytest.param(
            secret({"a": REF, "b": REF}, {"keyhole.dev/ignore": "a"}), {"b": Form.IN_PLACE}, id="an ignored key"
        ),
        pytest.param(secret({"a": REF}, {"keyhole.dev/ignore": "true"}), {}, id="an ignored object"),
        pytest.param(
            secret({"a": REF}, {"data.keyhole.dev/a": REF}),
            {"a": Form.ANNOTATION},
            id="an annotation claims its key: the value is not read",
        ),
        pytest.param({"metadata": None, "data": {"a": None}}, {}, id="nulls where maps and values may stand"),
        pytest.param(
            secret({".dockerconfigjson": '{"auths":{"r":{"password":"vault:s/a#p"}}}'}),
            {".dockerconfigjson": Form.IN_PLACE},
            id="a credential of a docker configuration",
        ),
        pytest.param(
            secret({".dockerconfigjson": REF}), {".dockerconfigjson": Form.IN_PLACE}, id="a whole docker configuration"
        ),
        pytest.param(
            secret({".dockerconfigjson": "not JSON, and no reference to a vault"}),
            {},
            id="what is no docker configuration and holds no reference is left alone",
        ),
    ],
)
def test_references_are_found(manifest: dict[str, object], expected: dict[str, Form]) -> None:
    scan = scan_object(SECRET, manifest)
    assert not scan.problems
    assert keys(scan) == expected


@pytest.mark.parametrize(
    ("manifest", "origin", "message"),
    [
        pytest.param(
            secret(annotations={"data.keyhole.dev/a": "vault:secret/app"}),
            "annotation data.keyhole.dev/a",
            "column 17",
            id="an annotation that is malformed",
        ),
        pytest.param(
            secret(annotations={"data.keyhole.dev/a": "secret/app#password"}),
            "annotation data.keyhole.dev/a",
            "has no reference",
            id="an annotation that forgot its scheme",
        ),
        pytest.param(secret({"a": "vault:secret/app"}), "data.a", "keyhole.dev/ignore: a", id="malformed in place"),
        pytest.param(secret({"a": "x ${vault:secret/app#b"}), "data.a", "column 3", id="never closed"),
        pytest.param({"data": {"a": "no base64!"}}, "data.a", "is not base64", id="data that is no base64"),
        pytest.param({"data": {"a": "é"}}, "data.a", "is not base64", id="data that is not even ASCII"),
        pytest.param(
            secret(annotations={"keyhole.dev/fields": f"/metadata/name: {REF}"}),
            "annotation keyhole.dev/fields, '/metadata/name'",
            "only /data/KEY",
            id="a pointer out of the data",
        ),
        pytest.param(
            secret(annotations={"keyhole.dev/fields": f"/data/a~1b: {REF}"}),
            "annotation keyhole.dev/fields, '/data/a~1b'",
            "only /data/KEY",
            id="a key that no Secret can have",
        ),
        *(
            pytest.param(
                secret(annotations={"keyhole.dev/fields": f"/data/{key}: {REF}"}),
                f"annotation keyhole.dev/fields, '/data/{key}'",
                "one that Kubernetes allows",
                id=f"the key {key}",
            )
            for key in (".", "..", "...", "..data", "a" * 254)
        ),
        pytest.param(secret({"a": f"{REF}\n"}), "data.a", "a line break at the end (", id="a line"),
        pytest.param(
            secret(annotations={"data.keyhole.dev/a": f"{REF}#3 | trim\r\n"}),
            "annotation data.keyhole.dev/a",
            "expected the reference without one (|- instead of | in YAML",
            id="a line in an annotation",
        ),
        pytest.param(
            secret({"a": "vault:v1:8SDd3WHDOjf7mq69CyCqYg=="}),
            "data.a",
            "looks like what Vault's transit engine encrypted (if it is not a reference, say so with the annotation",
            id="a ciphertext",
        ),
        *(
            pytest.param(
                secret(annotations={"data.keyhole.dev/a": f"{before}{REF}"}),
                "annotation data.keyhole.dev/a",
                "has no reference; remove the blank, quote or invisible character",
                id=f"an annotation with {before!r} before its reference",
            )
            for before in (" ", '"', "\ufeff", "\u200b", "  ")
        ),
        pytest.param(
            secret(annotations={"keyhole.dev/fields": f"/stringData/a: {REF}"}),
            "annotation keyhole.dev/fields, '/stringData/a'",
            "only /data/KEY",
            id="stringData, which is never stored",
        ),
        pytest.param(
            secret(annotations={"keyhole.dev/fields": "[]"}),
            "annotation keyhole.dev/fields",
            "expected a map",
            id="no map",
        ),
        pytest.param(
            secret(annotations={"keyhole.dev/fields": f"/data/a: {REF}", "data.keyhole.dev/a": REF}),
            "annotation keyhole.dev/fields, /data/a",
            "fills the same key",
            id="two references for one key",
        ),
        pytest.param(
            secret(annotations={"env.keyhole.dev/A": REF}),
            "annotation env.keyhole.dev/A",
            "a Secret has none",
            id="a variable, on a Secret",
        ),
        pytest.param(
            secret({".dockerconfigjson": '{"auths":{},"credsStore":"vault:s/a#p"}'}),
            "data..dockerconfigjson",
            "outside of auths",
            id="a reference where no credential stands",
        ),
        pytest.param(
            secret({".dockercfg": '{"r":{"password":"vault:s/a#p","url":"vault:s/a#p"}}'}),
            "data..dockercfg",
            "outside of *.(username|",
            id="the same in a legacy one",
        ),
        pytest.param(
            secret({"config.json": '{"auths":{"r":{"password":"vault:s/a#p"}},"credsStore":"vault:s/a#p"}'}),
            "data.config.json",
            "outside of auths",
            id="the same in a config.json",
        ),
        pytest.param(
            secret({"config.json": '{"auths":{"r":{"password":"vault:broken"}}}'}),
            "data.config.json",
            "column",
            id="a malformed credential in a config.json",
        ),
        pytest.param(
            secret({".dockerconfigjson": "[((vault:s/a#p))]"}),
            "data..dockerconfigjson",
            "is not a JSON object",
            id="a docker configuration that is no object",
        ),
        pytest.param(
            secret({".dockerconfigjson": '{"auths":{"r":{"auth":"vault:s/a#b","password":"vault:s/a#p"}}}'}),
            "data..dockerconfigjson",
            "and another in username or password",
            id="auth and password both from Vault",
        ),
        pytest.param(
            secret({f"k{i}": REF for i in range(1001)}),
            "the object",
            "1001 references",
            id="more than 1,000 references",
        ),
    ],
)
def test_what_is_wrong_names_field_and_cause(manifest: dict[str, object], origin: str, message: str) -> None:
    found_origin, found_message = only_problem(scan_object(SECRET, manifest))
    assert found_origin == origin
    assert message in found_message


def test_every_problem_is_reported() -> None:
    scan = scan_object(SECRET, secret({"a": "vault:x", "b": REF, "c": "${vault:y"}, {"data.keyhole.dev/d": "nothing"}))
    assert sorted(problem.origin for problem in scan.problems) == ["annotation data.keyhole.dev/d", "data.a", "data.c"]
    assert keys(scan) == {"b": Form.IN_PLACE}


def test_the_text_of_a_value_is_never_quoted() -> None:
    scan = scan_object(SECRET, secret({"a": "vault: my-plain-password", "b": "pw=hunter2 ${vault:oops"}))
    told = " ".join(problem.message for problem in scan.problems)
    assert "my-plain-password" not in told
    assert "hunter2" not in told
    assert "oops" not in told


def test_a_misspelt_annotation_is_warned_of() -> None:
    assert scan_object(SECRET, secret(annotations={"keyhole.dev/feilds": REF})).warnings == [
        "annotation keyhole.dev/feilds means nothing to Keyhole"
    ]


def test_keys_with_slashes_are_escaped_in_pointers() -> None:
    (wanted,) = scan_object(SECRET, secret(annotations={"data.keyhole.dev/a.b": REF})).wanted
    assert wanted.pointer == "/data/a.b"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("a", REF, True),
        ("a", "vault:", True),
        ("a", "x ((vault:s/a#b)) y", True),
        ("a", "plain", False),
        ("a", b"\xff", False),
        (".dockerconfigjson", '{"auths":{"r":{"password":"vault:s/a#p"}}}', True),
        (".dockerconfigjson", '{"auths":{"r":{"password":"plain"}}}', False),
    ],
)
def test_what_reads_as_a_reference(key: str, value: str | bytes, expected: bool) -> None:
    assert reads_as_reference(SECRET, key, SecretValue(value)) is expected


class TestSizes:
    """An object that cannot be admitted is not searched to its end."""

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            pytest.param(
                {f"k{number}": "vault:secret/app#x" for number in range(30_000)},
                "has 1001 references, and 1000 are the most",
                id="30,000 references",
            ),
            pytest.param(
                {f"k{number}": "((vault:secret/app#x))" * 300 for number in range(100)},
                "has 1200 references, and 1000 are the most",
                id="30,000 references in a hundred texts",
            ),
            pytest.param(
                {f"k{number}": f"vault:secret/{'x' * 1900}/{number}#x" for number in range(1000)},
                "more bytes together than the 262144 that Kubernetes allows",
                id="references for which there is no room in the record",
            ),
        ],
    )
    def test_references_beyond_what_one_object_may_hold(self, data: dict[str, str], problem: str) -> None:
        seen: list[int] = []
        scan = scan_object(SECRET, secret(data), pay=seen.append)
        assert [problem in found.message for found in scan.problems] == [True]
        assert not scan.wanted
        assert len(seen) <= 1001

    def test_of_many_malformed_fields_a_thousand_are_looked_at(self) -> None:
        seen: list[int] = []
        scan = scan_object(SECRET, secret({f"k{number}": "vault:x" for number in range(60_000)}), pay=seen.append)
        assert len(scan.problems) == len(seen) == 1001

    def test_annotations_that_kubernetes_would_refuse_are_not_read(self) -> None:
        seen: list[int] = []
        notes = {f"data.keyhole.dev/k{number}": f"vault:secret/{'x' * 1900}#x" for number in range(1000)}
        (problem,) = scan_object(SECRET, secret(annotations=notes), pay=seen.append).problems
        assert problem.cause == "RecordTooLarge"
        assert "262144 that Kubernetes allows" in problem.message
        assert not seen

    def test_each_key_is_paid_for_by_its_size(self) -> None:
        seen: list[int] = []
        scan_object(SECRET, secret({"large": "x" * 1_000_000, "small": "x"}), pay=seen.append)
        assert seen[0] > 100 * seen[1] > 0


@pytest.mark.parametrize("key", [".a", "a..b", "-", "_", "a" * 253])
def test_keys_that_kubernetes_allows_may_be_filled(key: str) -> None:
    assert keys(scan_object(SECRET, secret(annotations={"keyhole.dev/fields": f"/data/{key}: {REF}"}))) == {
        key: Form.ANNOTATION
    }


@pytest.mark.parametrize(
    "text", ['{"auths":{}}', '{"auths":1}', '{"auths":', '{"auths":{"r":{"auth":"dmF1bHQ6YTpi"}}}', '["auths"]']
)
def test_a_config_json_without_references_holds_none(text: str) -> None:
    assert scan_object(SECRET, secret({"config.json": text})) == Scan([], [], [])


def test_a_config_json_of_something_else_is_a_text() -> None:
    text = '{"auths":{"r":{"url":"((vault:s/a#u))","password":"x((vault:s/a#p))"}},"db":"((vault:s/a#d))"}'
    (wanted,) = scan_object(SECRET, secret({"config.json": text})).wanted
    assert isinstance(wanted.template, Template)
    assert len(wanted.template.references) == 3


def test_annotations_beyond_ascii_are_paid_for_by_their_length() -> None:
    paid: list[int] = []
    text = f"vault:secret/{'é' * 1000}#p"
    scan_object(SECRET, secret({}, {"data.keyhole.dev/a": text}), pay=paid.append)
    assert sum(paid) > 1_000_000
