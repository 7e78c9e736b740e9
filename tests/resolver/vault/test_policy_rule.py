"""Rules of policies, and what Keyhole advises to put into one."""

import pytest

from resolver.vault import policy_rule
from resolver.vault.errors import VaultDenied


@pytest.mark.parametrize(
    "path",
    [
        "secret/data/*",
        "secret/data/team-a*",
        "secret/data/+/app",
        "secret/data/{{identity.entity.id}}/app",
        "secret/data/${x}",
        "secret/data/%{x}",
    ],
)
def test_nothing_is_advised_that_would_allow_other_paths(path: str) -> None:
    message = VaultDenied(path, "id", "role").message
    assert "capabilities" not in message
    assert "no policy can name this path alone, because " in message
    assert policy_rule.advised(path) is None


def test_a_literal_path_is_advised_word_for_word() -> None:
    told = 'add this line to its policy: path "secret/data/a+b c" { capabilities = ["read"] }'
    assert VaultDenied("secret/data/a+b c").message.endswith(told)


def test_a_quote_in_a_path_stays_inside_the_string() -> None:
    path = 'secret/data/a" { capabilities = ["sudo"] } path "b'
    line = policy_rule.advised(path)
    assert line == r'path "secret/data/a\" { capabilities = [\"sudo\"] } path \"b" { capabilities = ["read"] }'
    assert policy_rule.rule(path, "read").startswith(r'path "secret/data/a\" { cap')
