import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from manifests.fields.docker_config import DockerConfig, DockerConfigError, docker_config
from manifests.fields.scan import scan_object
from manifests.fields.spans import restored, spans_of, values_in
from manifests.fields.template import ValueNotText
from manifests.kinds.secret import SECRET
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from tests.manifests.secrets import secret

VALUES = {
    Reference("s/a", "user"): SecretValue("bob"),
    Reference("s/a", "pass"): SecretValue('p"w:\\ü'),
    Reference("s/a", "auth"): SecretValue("Ym9iOng="),
}


def rendered(document: Mapping[str, Any]) -> Any:
    config = docker_config(json.dumps(document))
    assert isinstance(config, DockerConfig)
    return json.loads(config.render(VALUES).reveal())


def auth(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_auth_is_made_anew_when_username_or_password_come_from_vault() -> None:
    entry = {"username": "vault:s/a#user", "password": "vault:s/a#pass", "auth": auth("old:old")}
    assert rendered({"auths": {"r": entry}}) == {
        "auths": {"r": {"username": "bob", "password": 'p"w:\\ü', "auth": auth('bob:p"w:\\ü')}}
    }


def test_a_literal_username_takes_part_in_auth() -> None:
    found = rendered({"auths": {"r": {"username": "me", "password": "((vault:s/a#pass))"}}})
    assert found["auths"]["r"]["auth"] == auth('me:p"w:\\ü')


def test_credentials_that_stand_in_auth_alone_stay_there() -> None:
    found = rendered({"auths": {"q": {"auth": auth("me:vault:s/a#pass")}}})
    assert found["auths"]["q"] == {"auth": auth('me:p"w:\\ü')}


def test_a_reference_that_would_be_cut_at_its_own_colon_is_refused() -> None:
    with pytest.raises(DockerConfigError, match="for the username in auth"):
        docker_config(json.dumps({"auths": {"r": {"auth": auth("vault:s/a#user:no"), "x": 1}}}))


def test_references_within_auth_beside_others_are_refused() -> None:
    entry = {"email": "vault:s/a#user", "auth": auth("u:((vault:s/a#pass))")}
    with pytest.raises(DockerConfigError, match="inside auth and beside it"):
        docker_config(json.dumps({"auths": {"r": entry}}))


def test_a_username_that_is_null_is_empty_in_auth() -> None:
    found = rendered({"auths": {"r": {"username": None, "password": "vault:s/a#user"}}})
    assert found["auths"]["r"]["auth"] == auth(":bob")


def test_a_user_may_be_called_vault() -> None:
    assert docker_config(json.dumps({"auths": {"r": {"auth": auth("vault:hello")}}})) is None


def test_a_reference_as_auth_is_only_put_in() -> None:
    assert rendered({"auths": {"r": {"auth": "vault:s/a#auth"}}}) == {"auths": {"r": {"auth": "Ym9iOng="}}}


def test_entries_without_references_stay_as_they_were() -> None:
    plain = {"username": "u", "password": "p", "auth": "anything", "n": 1.10}
    document = {"auths": {"plain": plain, "r": {"email": "vault:s/a#user"}}, "HttpHeaders": {"X": "y"}}
    found = rendered(document)
    assert found["auths"]["plain"] == plain
    assert found["HttpHeaders"] == {"X": "y"}
    assert list(found["auths"]) == ["plain", "r"]
    assert found["auths"]["r"] == {"email": "bob"}


def test_numbers_keep_their_text() -> None:
    config = docker_config('{"auths":{"r":{"email":"vault:s/a#user","n":1.10}}}')
    assert config is not None
    assert b'"n":1.10' in config.render(VALUES).reveal()


@pytest.mark.parametrize(
    "text", ["{}", '{"auths":{}}', '{"auths":null}', '{"auths":{"r":null}}', '{"auths":{"r":{"auth":"%"}}}']
)
def test_without_references_there_is_nothing_to_fill(text: str) -> None:
    assert docker_config(text) is None


@pytest.mark.parametrize(
    ("key", "document", "expected"),
    [
        pytest.param(
            ".dockercfg",
            {"q": {"auth": auth("a:b")}, "r": {"username": "me", "password": "vault:s/a#pass"}},
            {"q": {"auth": auth("a:b")}, "r": {"username": "me", "password": 'p"w:\\ü', "auth": auth('me:p"w:\\ü')}},
            id="a legacy one",
        ),
        pytest.param(
            ".dockercfg",
            {"r": {"auth": auth("me:vault:s/a#pass")}},
            {"r": {"auth": auth('me:p"w:\\ü')}},
            id="a legacy one, in auth alone",
        ),
        pytest.param(
            ".dockercfg",
            {"auths": {"r": {"email": "vault:s/a#user"}}},
            {"auths": {"r": {"email": "bob"}}},
            id="a legacy one with auths around it",
        ),
        pytest.param(
            "config.json",
            {"auths": {"r": {"auth": "vault:s/a#auth"}}, "credsStore": "x"},
            {"auths": {"r": {"auth": "Ym9iOng="}}, "credsStore": "x"},
            id="what kaniko reads",
        ),
        pytest.param(
            "config.json",
            {"auths": {"r": {"auth": auth("me:vault:s/a#pass")}}},
            {"auths": {"r": {"auth": auth('me:p"w:\\ü')}}},
            id="what kaniko reads, in auth alone",
        ),
    ],
)
def test_a_docker_configuration_by_another_name_is_filled_and_put_back_from_its_record(
    key: str, document: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    (wanted,) = scan_object(SECRET, secret({key: json.dumps(document)})).wanted
    value = wanted.template.render(VALUES)
    assert json.loads(value.reveal()) == expected
    spans = spans_of(wanted.template, VALUES)
    again = restored(spans, value)
    assert again is not None
    assert again.render(VALUES) == value
    assert values_in(spans, value) == {reference: VALUES[reference] for reference in wanted.template.references}


def test_credentials_in_auth_alone_are_found_by_the_scan() -> None:
    document = {"auths": {"r": {"auth": auth("me:vault:s/a#pass")}}}
    (wanted,) = scan_object(SECRET, secret({".dockerconfigjson": json.dumps(document)})).wanted
    assert wanted.template.references == (Reference("s/a", "pass"),)


def test_a_value_that_is_no_text_is_refused() -> None:
    config = docker_config('{"auths":{"r":{"password":"vault:s/a#pass"}}}')
    assert config is not None
    with pytest.raises(ValueNotText):
        config.render({Reference("s/a", "pass"): SecretValue(b"\xff\xfe")})


def test_a_docker_configuration_of_too_many_registries_is_looked_into_only_if_it_may_hold_a_reference() -> None:
    auths: dict[str, Any] = {f"h{index}": {"auth": auth("a:b")} for index in range(2001)}
    assert docker_config(json.dumps({"auths": auths})) is None
    auths["h0"] = {"auth": auth("a:((vault:secret/app#x))")}
    with pytest.raises(DockerConfigError, match="more than 2000 registries"):
        docker_config(json.dumps({"auths": auths}))
