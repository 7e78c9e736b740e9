"""The rules of the bed's audit policy that `test_audit_policy` asks about: many small policies, a namespace for each.

One policy in which each part is for a namespace of its own saves a start of the API server for each.
"""

import os
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.enforcer.audit_policies import rules

POLICIES: Final = 200
LOUD: Final = "audited-loud"
"""A namespace in which ConfigMaps are logged with the bodies of requests."""
SEED: Final = int(os.environ.get("KEYHOLE_SEED", "16"))

AUDITED_RULES: Final[Sequence[Mapping[str, Any]]] = [
    {"level": "Request", "namespaces": [LOUD], "resources": [{"group": "", "resources": ["configmaps"]}]},
    *(rule for number in range(POLICIES) for rule in rules(random.Random(SEED + number), f"audited-{number}")),
]
