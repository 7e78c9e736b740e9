from pathlib import Path

import pytest

from certs.issue import issue_ca
from resolver.connections.files import load
from resolver.connections.model import ConfigurationError, Retries

MINIMAL = "connections: {default: {address: 'https://vault.example:8200', auth: {method: jwt, role: app}}}"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "connections.yaml"
    file.write_text(text)
    return file


def connection(**changes: str) -> str:
    parts = {"address": "https://vault.example:8200", "auth": "{method: jwt, role: app}", **changes}
    return "connections: {default: {" + ", ".join(f"{key}: {value}" for key, value in parts.items()) + "}}"


def test_a_minimal_file_has_the_defaults(tmp_path: Path) -> None:
    found = load(written(tmp_path, MINIMAL))["default"]
    assert found.address == "https://vault.example:8200"
    assert found.auth.mount_point == "jwt"
    assert found.auth.audience == "vault"
    assert found.timeout_seconds == 5.0
    assert found.mounts == {}
    assert found.retries == Retries(attempts=2, first_pause_seconds=0.05, longest_pause_seconds=1.0)


def test_every_key(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_bytes(issue_ca().certificate_pem)
    text = f"""
connections:
  eu-1:
    address: https://Vault.Example:8200/
    caFile: {ca}
    vaultNamespace: team
    auth: {{method: kubernetes, mount: /k8s/eu/, role: 'keyhole-{{namespace}}', audience: v}}
    mounts: {{secret: 2, team/kv: 1}}
    timeoutSeconds: 2.5
    retries: {{attempts: 0, firstPauseSeconds: 0.2, longestPauseSeconds: 3}}
    allow: ['secret/{{namespace}}/*', team/kv/shared]
"""
    found = load(written(tmp_path, text))["eu-1"]
    assert found.address == "https://vault.example:8200"
    assert found.auth.mount_point == "k8s/eu"
    assert found.auth.role_for("shop") == "keyhole-shop"
    assert dict(found.mounts) == {"secret": 2, "team/kv": 1}
    assert found.timeout_seconds == 2.5
    assert found.retries == Retries(attempts=0, first_pause_seconds=0.2, longest_pause_seconds=3.0)
    assert found.ca_file == ca
    assert found.allows("secret/shop/db", "shop")
    assert found.allows("team/kv/shared", "shop")
    assert not found.allows("secret/other/db", "shop")


def test_without_allow_everything_may_be_reached(tmp_path: Path) -> None:
    assert load(written(tmp_path, MINIMAL))["default"].allows("secret/anything", "shop")


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        pytest.param("", "file", "must be a map", id="an empty file"),
        pytest.param("connections: {}", "connections", "at least 1", id="no connection"),
        pytest.param("conections: {}", "conections", "is not known here", id="a misspelt key"),
        pytest.param(
            connection(adress="x"),
            "connections.default.adress",
            "is not known here",
            id="a misspelt key of a connection",
        ),
        pytest.param(connection(address="vault:8200"), "address", "must be a URL", id="an address without scheme"),
        pytest.param(connection(address="http://vault:8200"), "address", "must be https", id="plain HTTP"),
        pytest.param(
            connection(address="https://v/x"), "address", "scheme, host and port", id="an address with a path"
        ),
        pytest.param(connection(address="https://u:p@v"), "address", "scheme, host", id="credentials in the address"),
        pytest.param(connection(address="https://v:99999"), "address", "port from 1", id="a port that there is not"),
        pytest.param(connection(address="'https://v:82OO'"), "address", "port from 1", id="a port that is no number"),
        pytest.param(connection(address="https://v:0"), "address", "port from 1", id="port 0"),
        pytest.param(connection(auth="{method: ldap, role: x}"), "auth.method", "'jwt' or 'kubernetes'", id="a method"),
        pytest.param(connection(auth="{method: jwt}"), "auth.role", "is missing", id="no role"),
        pytest.param(connection(auth="{method: jwt, role: '{name}'}"), "auth.role", "braces", id="another placeholder"),
        pytest.param(connection(auth="{method: jwt, role: x, mount: a/../b}"), "auth.mount", "dot", id="a dot segment"),
        pytest.param(connection(mounts="{secret: 3}"), "mounts.secret", "1 or 2", id="a KV version that is none"),
        pytest.param(connection(mounts="{sys: 1}"), "mounts", "own mounts", id="one of Vault's own mounts"),
        pytest.param(connection(allow="['secret/*/x']"), "allow.0", "end only", id="an allow pattern"),
        pytest.param(connection(allow="[5]"), "allow.0", "must be a text", id="an allow pattern that is a number"),
        pytest.param(connection(timeoutSeconds="0"), "timeoutSeconds", "greater than 0", id="no time at all"),
        pytest.param(connection(timeoutSeconds="'5'"), "timeoutSeconds", "number", id="a text for a number"),
        pytest.param(connection(retries="{attempts: 6}"), "retries.attempts", "less than or equal to 5", id="retries"),
        pytest.param(
            connection(retries="{atempts: 1}"), "retries.atempts", "is not known here", id="a misspelt key of retries"
        ),
        pytest.param(connection(caFile="/does/not/exist"), "caFile", "no such file", id="a missing CA"),
        pytest.param(connection(caFile='"/a\\0b"'), "caFile", "not the name of a file", id="a CA that no file can be"),
        pytest.param(MINIMAL.replace("default", "Default"), "Default", "match", id="a name that is no DNS label"),
        pytest.param("a: ]", "line 1", "not YAML", id="no YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, field: str, problem: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert field in message
    assert problem in message


def test_a_ca_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_text("none")
    with pytest.raises(ConfigurationError, match="caFile: holds no certificate"):
        load(written(tmp_path, connection(caFile=str(ca))))


def test_every_problem_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(written(tmp_path, connection(address="x", timeoutSeconds="0")))
    assert "address" in str(caught.value)
    assert "timeoutSeconds" in str(caught.value)


def test_values_are_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(written(tmp_path, connection(address="https://user:hunter2@vault", vaultNamespace="[hunter3]")))
    assert "hunter" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_plain_http_is_for_loopback(tmp_path: Path) -> None:
    assert load(written(tmp_path, connection(address="http://127.0.0.1:8200")))["default"].address.startswith("http:")
