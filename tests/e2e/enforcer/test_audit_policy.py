"""The evaluator of audit policies against a real API server, and what that server logs above the level Metadata."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
import requests

from enforcer.collecting.audit_policy import read
from enforcer.facts.audit_policy import AuditPolicyFacts
from enforcer.judging.api_audit_quiet_parts.levels import Request, level_of
from enforcer.judging.api_audit_quiet_parts.loud import Demand, loud
from testbed import Testbed
from testbed.keyhole.objects import apply
from testbed.keyhole.tenants import add_tenant
from tests.e2e.enforcer.audited import LOUD, POLICIES, SEED
from tests.e2e.enforcer.installed import KINDS, Installed
from tests.e2e.enforcer.world import opted_in
from tests.enforcer.audit_policies import LEVELS, USERS, Asked, asked

_METHODS: Final = {
    "get": "GET",
    "list": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
}
_SECONDS: Final = 60.0
_EACH: Final = 2
_VALUE: Final = "a-value-that-is-to-be-found"


@pytest.fixture(scope="module")
def policy(bed: Testbed) -> AuditPolicyFacts:
    """Return the policy of the running API server, read as the Enforcer reads it."""
    (file,) = bed.directory.rglob("audit-policy.yaml")
    return read(str(file), file.read_bytes())


@pytest.fixture(scope="module")
def sessions(bed: Testbed) -> Iterator[Mapping[str, requests.Session]]:
    """Return connections of users who may do nothing: what is refused is logged as well."""
    made = {}
    for user, groups in USERS.items():
        files = bed.kubernetes.authority.issue(user, user, organizations=groups)
        made[user] = requests.Session()
        made[user].trust_env = False
        made[user].verify = str(bed.kubernetes.ca_file)
        made[user].cert = (str(files.certificate), str(files.key))
    yield made
    for session in made.values():
        session.close()


def send(bed: Testbed, session: requests.Session, one: Asked, audit_id: str) -> None:
    root = f"/apis/{one.group}/v1" if one.group else "/api/v1"
    name = f"/{one.name}" if one.name else ""
    below = f"/{one.subresource}" if one.subresource else ""
    path = f"{root}/namespaces/{one.namespace}/{one.resource}{name}{below}"
    headers = {"Audit-ID": audit_id, "Content-Type": "application/json"}
    # No certificate gives the group masters, so everything is refused before its body is read.
    answer = session.request(_METHODS[one.verb], bed.kubernetes.url + path, headers=headers, data="{}", timeout=30)
    assert answer.status_code == 403, (one, answer.text)


def logged(bed: Testbed, sentinel: str) -> Mapping[str, str]:
    """Return the level of each request in the log, by its id, once the sentinel is there, which was sent last."""
    deadline = time.monotonic() + _SECONDS
    while True:
        levels = {entry["auditID"]: entry["level"] for entry in bed.kubernetes.audit_entries()}
        if sentinel in levels:
            return levels
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_level_of_each_request_is_what_the_api_server_logs_it_at(
    bed: Testbed, policy: AuditPolicyFacts, sessions: Mapping[str, requests.Session]
) -> None:
    expected = {}
    sent = {}
    for number in range(POLICIES):
        chance = random.Random(SEED + 1000 + number)
        for _ in range(_EACH):
            one, audit_id = asked(chance, f"audited-{number}"), str(uuid.uuid4())
            groups = (*USERS[one.user], "system:authenticated")
            request = Request(
                one.user, groups, one.verb, one.group, one.resource, one.subresource, one.namespace, one.name
            )
            expected[audit_id], sent[audit_id] = level_of(policy, request), one
            send(bed, sessions[one.user], one, audit_id)
    sentinel = str(uuid.uuid4())
    headers = {"Audit-ID": sentinel}
    # Of a namespace that no policy names, so that the last rule logs it.
    sessions["audited-cy"].get(f"{bed.kubernetes.url}/api/v1/namespaces/unnamed/secrets", headers=headers, timeout=30)
    levels = logged(bed, sentinel)
    different = {
        audit_id: (sent[audit_id], level, levels.get(audit_id, "None"))
        for audit_id, level in expected.items()
        if levels.get(audit_id, "None") != level
    }
    assert not different, list(different.values())[:5]
    # Each level was met, and none of them hardly ever.
    counts = Counter[str](expected.values())
    assert min(counts[level] for level in LEVELS) > POLICIES * _EACH // 10, counts


@pytest.fixture
def _loud(bed: Testbed, release: Installed) -> Iterator[None]:
    """Have a tenant whose ConfigMaps are logged with bodies. Later nights see nothing of it."""
    assert release
    add_tenant(bed, LOUD, [f"secret/data/{LOUD}/*"], kinds=KINDS)
    yield
    bed.kubernetes.request("DELETE", f"/api/v1/namespaces/{LOUD}/configmaps/app").raise_for_status()
    opted_in(bed, [LOUD], enabled=False)


@pytest.mark.usefixtures("_loud")
def test_above_metadata_the_patch_of_the_webhook_is_logged_and_the_standard_names_the_rule(
    bed: Testbed, policy: AuditPolicyFacts
) -> None:
    """Nothing here has the canary: it would be found in the log, which is what this shows."""
    bed.vault.client().secrets.kv.v2.create_or_update_secret(f"{LOUD}/app", {"password": _VALUE}, mount_point="secret")
    apply(
        bed,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "app",
                "namespace": LOUD,
                "annotations": {"data.keyhole.dev/password": f"vault:secret/{LOUD}/app#password"},
            },
        },
    )
    found = [entry for entry in bed.kubernetes.audit_entries() if _is_about(entry, LOUD, "configmaps", "app")]
    patches = {
        name: text
        for entry in found
        for name, text in entry.get("annotations", {}).items()
        if name.startswith("patch.webhook.admission.k8s.io/")
    }
    assert any(_VALUE in text for text in patches.values()), patches.keys()
    (told,) = loud(policy, Demand(("patch",), "", "configmaps", "", "Metadata"), [LOUD])
    assert (told.index, told.level) == (0, "Request")


def _is_about(entry: Mapping[str, Any], namespace: str, resource: str, name: str) -> bool:
    about = entry.get("objectRef", {})
    return (about.get("namespace"), about.get("resource"), about.get("name")) == (namespace, resource, name)
