"""What a policy allows, judged by Vault itself (`sys/capabilities`) and by `review.policies` from the same text."""

import os
import random

import pytest

from review.policies.policy import together
from review.policies.reading import policy
from review.sources.text import Text
from testbed.servers.vault import Vault

pytestmark = pytest.mark.servers

# How many pairs of random policies.
POLICIES = int(os.environ.get("KEYHOLE_POLICIES") or 25)
PATHS = 8
SEGMENTS = ("a", "ab", "b", "data", "é")
WILDCARDS = (*SEGMENTS, "+", "+", "a+", "+b")
CAPABILITIES = ("read", "list", "update", "deny")


def path(chance: random.Random) -> str:
    return "/".join(chance.choices(SEGMENTS, k=chance.randint(1, 4)))


def rule(chance: random.Random) -> str:
    segments = chance.choices(WILDCARDS, k=chance.randint(1, 4))
    open_end = chance.choice(("", "", "*", "/*")) if not segments[-1].endswith("+") else chance.choice(("", "/*"))
    granted = ", ".join(f'"{one}"' for one in chance.sample(CAPABILITIES[: chance.choice((3, 3, 4))], k=2))
    return f'path "{"/".join(segments)}{open_end}" {{\n  capabilities = [{granted}]\n}}\n'


def test_vault_and_review_agree_about_random_policies(vault: Vault) -> None:
    chance, client = random.Random("policies"), vault.client()
    granted = compared = 0
    for number in range(POLICIES):
        texts = {f"random-{number}-{part}": "".join(rule(chance) for _ in range(6)) for part in "ab"}
        for name, text in texts.items():
            client.sys.create_or_update_policy(name, text)
        token = client.auth.token.create(policies=list(texts), no_default_policy=True, ttl="1h")["auth"]["client_token"]
        both = together(policy(Text(name, text), name) for name, text in texts.items())
        paths = [path(chance) for _ in range(PATHS)]
        folders = [f"{one}/" for one in paths]
        said = client.adapter.post("/v1/sys/capabilities", json={"token": token, "paths": paths + folders})
        for one in paths:
            for capability in ("read", "list", "update"):
                expected = capability in said["data"][one]
                assert both.allows(one, capability) is expected, (capability, one, texts)
                granted, compared = granted + expected, compared + 1
        for one in folders:
            assert both.allows(one, "list") is ("list" in said["data"][one]), (one, texts)
    assert compared == POLICIES * PATHS * 3
    assert compared * 0.1 < granted < compared * 0.9, "the pairs say nothing if all have one answer"
