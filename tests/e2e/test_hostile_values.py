"""Values and annotations made to break whoever reads them."""

import base64
import json

import pytest

from resolver.references.reference import percent_encode
from tests.e2e.caller import Caller
from tests.e2e.objects import encoded, filled, secret
from tests.e2e.planter import Planter
from tests.e2e.traffic import Traffic

pytestmark = pytest.mark.usefixtures("_webhook_goes_on")

# The cause of what is malformed, and of what no annotation can hold.
_MALFORMED, _TOO_LARGE = "MalformedReference", "RecordTooLarge"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(encoded("{" * 10_000), id="10,000 braces"),
        pytest.param(encoded("((" * 10_000), id="10,000 double parentheses"),
        pytest.param(encoded("${" * 10_000 + "}" * 10_000), id="10,000 nested dollar braces"),
        pytest.param(encoded("vault" * 10_000), id="10,000 times the word"),
        pytest.param(encoded("((vault+" * 10_000), id="10,000 openings without a colon"),
        pytest.param(encoded(b"\xff\xfe vault: ${vault:"), id="invalid UTF-8"),
        pytest.param(encoded(b"\x00vault:"), id="a NUL before the reference"),
        pytest.param("", id="empty"),
        pytest.param(None, id="null"),
    ],
)
def test_what_is_no_reference_is_left_alone(caller: Caller, value: str | None) -> None:
    reply = caller.admit(secret("odd", data={"key": value}))
    assert reply.allowed
    assert reply.patch == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param("%%%", "data.key: is not base64", id="no base64"),
        pytest.param("dmF1bHQ6", "data.key: column ", id="a reference that ends at once"),
        pytest.param("dmF1bHQ", "data.key: is not base64", id="base64 without padding"),
        pytest.param("dmF1\nbHQ6", "data.key: is not base64", id="base64 with a line break"),
        pytest.param("dmF1bHQ\N{MICRO SIGN}", "data.key: is not base64", id="no ASCII"),
        pytest.param(encoded("a ${vault:b"), "data.key: column 3: a reference that is never", id="never closed"),
        pytest.param(encoded("${vault:" * 10_000), "data.key: column 1: ", id="10,000 times never closed"),
        pytest.param(
            encoded("${vault:" * 10_000 + "}" * 10_000), "a reference inside of a reference", id="10,000 nested"
        ),
        pytest.param(encoded("vault:" + "a" * 1_000_000), "too long", id="a reference of a megabyte"),
        pytest.param(
            encoded("((vault:secret/e2e/x#p))" * 1001), "too many references", id="1,001 references in one text"
        ),
    ],
)
def test_what_is_a_broken_reference_is_refused_and_not_quoted(caller: Caller, value: str, told: str) -> None:
    reply = caller.admit(secret("odd", data={"key": value}))
    assert reply.code == 403
    assert reply.message.startswith("MalformedReference: Secret e2e/odd: data.key: ")
    assert told in reply.message
    assert len(reply.message) < 1000


def test_1001_references_are_refused(caller: Caller) -> None:
    references = {f"k{index}": "vault:secret/e2e/x#p" for index in range(1001)}
    reply = caller.admit(filled("many", **references))
    assert reply.code == 403
    assert "has 1001 references, and 1000 are the most" in reply.message


def test_1000_failing_fields_are_answered_briefly(caller: Caller) -> None:
    references = {f"k{index}": f"vault:secret/other/{index}#p" for index in range(1000)}
    reply = caller.admit(filled("many", **references), timeout_seconds=30)
    assert reply.code in {403, 503}
    assert "more" in reply.message
    assert len(reply.body) < 65_536


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param("x" * 4_000_000, _TOO_LARGE, id="four megabytes of text"),
        pytest.param("/data/a: " + "x" * 4_000_000, _TOO_LARGE, id="four megabytes of one value"),
        pytest.param("/data/k: vault:secret/e2e/x#p\n" * 100_000, _TOO_LARGE, id="100,000 entries"),
        pytest.param("/data/a: |\n" + "\n" * 4_000_000, _TOO_LARGE, id="four million line breaks"),
        pytest.param("/data/a: |\n" + "\n" * 250_000, _MALFORMED, id="as many line breaks as an annotation can have"),
        pytest.param("{" * 10_000, _MALFORMED, id="10,000 nested maps"),
        pytest.param("[" * 10_000, _MALFORMED, id="10,000 nested lists"),
        pytest.param("? " * 100_000, _MALFORMED, id="100,000 complex keys"),
        pytest.param("a: &a [b]\nc: [*a, *a]\n", _MALFORMED, id="aliases"),
        pytest.param("!!python/object/apply:os.system ['true']", _MALFORMED, id="a tag"),
        pytest.param("\x00", _MALFORMED, id="a NUL"),
    ],
)
def test_a_hostile_fields_annotation_is_refused_in_time(caller: Caller, text: str, cause: str) -> None:
    reply = caller.admit(secret("odd", {"keyhole.dev/fields": text}))
    assert reply.code == 403
    assert reply.message.startswith(f"{cause}: Secret e2e/odd: ")
    assert len(reply.message) < 2000


def test_a_hostile_annotation_of_one_key_is_refused_in_time(caller: Caller) -> None:
    for text in ("((vault:" * 500_000, "vault:" + "/" * 4_000_000, "x" * 4_000_000):
        reply = caller.admit(filled("odd", key=text))
        assert reply.code == 403
        assert len(reply.message) < 2000


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        pytest.param("vault:secret/e2e/inv#password\u00a0", r"(\u00a0)", id="at the end of a field"),
        pytest.param("vault:secret/e2e/in\u00a0v#password", r"(\u00a0)", id="inside of a path"),
        pytest.param("vault:secret/e2e/inv#password\u00a0| trim", r"(\u00a0)", id="before the bar"),
        pytest.param("vault:secret/e2e/in%C2%A0v#password", "invisible", id="in a path, as an escape"),
        pytest.param("vault:secret/e2e/\uff0e\uff0e/x#p", r"\uff0e looks like .", id="a way up in full width"),
        pytest.param("vault:secret/e2e\uff0fx#p", r"\uff0f looks like /", id="a slash in full width"),
        pytest.param("vault:secret/e2e\u2215x#p", r"\u2215 looks like /", id="a division sign"),
    ],
)
def test_what_nobody_can_see_is_refused_and_shown(caller: Caller, traffic: Traffic, reference: str, shown: str) -> None:
    for manifest in (filled("odd", key=reference), secret("odd", data={"key": encoded(reference)})):
        reply = caller.admit(manifest)
        assert reply.code == 403
        assert reply.message.startswith("MalformedReference: Secret e2e/odd: ")
        assert shown in reply.message
        assert reply.message.isprintable()
    assert traffic.reads() == []


def test_what_default_would_give_is_told_nowhere(caller: Caller, plant: Planter) -> None:
    # The fixtures look for the canary in the answer, in the log and wherever else something is written.
    plant.secret("no-such-field")
    fallback = percent_encode(plant.value())
    broken = ("no-field | default:{} | int", "password | default:{} | trimm", "password | Default:{}", "a|default:{})")
    for chain in broken:
        reference = f"vault:secret/e2e/no-such-field#{chain.format(fallback)}"
        for manifest in (filled("fallback", key=reference), secret("fallback", data={"key": encoded(reference)})):
            reply = caller.admit(manifest)
            assert reply.code == 403
            assert "FunctionFailed" in reply.message or "column" in reply.message


@pytest.mark.parametrize(
    "document",
    [
        pytest.param('{"auths":' * 10_000 + '"vault"' + "}" * 10_000, id="10,000 nested objects"),
        pytest.param('["vault"' + ",[" * 10_000, id="10,000 nested lists that never end"),
        pytest.param('{"auths": {"r": {"auth": 7, "password": "vault"}}}', id="no texts"),
        pytest.param('{"auths": ["vault"]}', id="a list of registries"),
        pytest.param('{"auths": {"vault": null}}', id="null for a registry"),
        pytest.param('"vault"', id="a text"),
        pytest.param(json.dumps({"auths": {"r": {"auth": encoded(b"\xff\xfe:vault")}}}), id="auth of no text"),
    ],
)
def test_a_hostile_docker_configuration_is_left_alone(caller: Caller, document: str) -> None:
    reply = caller.admit(secret("odd", data={".dockerconfigjson": encoded(document)}))
    assert reply.allowed
    assert reply.patch == []


def test_a_reference_in_a_broken_docker_configuration_is_refused(caller: Caller) -> None:
    for document in (
        '{"auths": ${vault:a/b#c}',
        '{"credsStore": "((vault:a/b#c))"}',
        '{"auths": {"r": "vault:a/b#c"}}',
    ):
        reply = caller.admit(secret("odd", data={".dockerconfigjson": encoded(document)}))
        assert reply.code == 403
        assert "a/b" not in reply.message


def test_a_huge_object_without_references_is_allowed(caller: Caller) -> None:
    data = {f"key-{index}": base64.b64encode(bytes(750)).decode() for index in range(5000)}
    assert caller.admit(secret("huge", data=data)).allowed


@pytest.mark.parametrize(
    "timeout", ["", "?timeout=", "?timeout=-1s", "?timeout=soon", "?timeout=999999s", "?timeout=0s"]
)
def test_an_odd_timeout_is_taken_for_the_default_one(caller: Caller, plant: Planter, timeout: str) -> None:
    plant.secret("odd-timeout")
    reply = caller.send_review(
        caller.review(filled("odd", password="vault:secret/e2e/odd-timeout#password")), query=timeout
    )
    assert reply.allowed
