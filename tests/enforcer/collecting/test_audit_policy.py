"""The API server's audit policy, read from its file: what the API server would not take is not known."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from enforcer.collecting.audit_policy import MOST_BYTES, collect
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.facts.audit_policy import AuditPolicyFacts, AuditRule, Resources
from enforcer.facts.base import NotKnown
from resolver.deadline import Deadline

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"


def collected(file: Path | None) -> AuditPolicyFacts | NotKnown:
    return collect(Sources(audit_policy=file), Run(Deadline.after(10)), nothing_yet("test", datetime.now(UTC)))


def test_all_of_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"""{HEAD}metadata: {{name: mine}}
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: [ann]
    userGroups: [dev]
    verbs: [create]
    resources: [{{group: "", resources: [secrets, "*/log"], resourceNames: [a]}}, {{group: apps}}]
    namespaces: [shop, ""]
    omitStages: [Panic]
    omitManagedFields: true
  - level: None
    nonResourceURLs: ["/healthz*"]
""")
    assert collected(file) == AuditPolicyFacts(
        file=str(file),
        omit_stages=("RequestReceived",),
        rules=(
            AuditRule(
                level="Metadata",
                users=("ann",),
                user_groups=("dev",),
                verbs=("create",),
                resources=(
                    Resources(group="", resources=("secrets", "*/log"), resource_names=("a",)),
                    Resources(group="apps"),
                ),
                namespaces=("shop", ""),
                omit_stages=("Panic",),
            ),
            AuditRule(level="None", non_resource_urls=("/healthz*",)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not one Policy of audit.k8s.io/v1"),
        ("apiVersion: audit.k8s.io/v1beta1\nkind: Policy", "it is not one Policy of audit.k8s.io/v1"),
        (f"{HEAD}---\n{HEAD}", "it is not one Policy of audit.k8s.io/v1"),
        (f"{HEAD}rules: 1", "rules is no list"),
        (f"{HEAD}rules: [a]", "rules[0] is no map"),
        (f"{HEAD}rules: [{{level: All}}]", "rules[0].level is none of None, Metadata, Request, RequestResponse"),
        (
            f"{HEAD}rules: [{{level: None}}, {{level: None, users: [1]}}]",
            "rules[1].users has something that is no text",
        ),
        (f"{HEAD}rules: [{{level: None, resources: [secrets]}}]", "rules[0].resources[0] is no map"),
        (f"{HEAD}rules: [{{level: None, resources: [{{group: 1}}]}}]", "rules[0].resources[0].group is no text"),
        (f"{HEAD}omitStages: [Later]", "omitStages has something else than RequestReceived, ResponseStarted, "),
        (f"{HEAD}rules: [", "not YAML"),
        ("x" * (MOST_BYTES + 1), f"it has more than {MOST_BYTES} bytes"),
    ],
)
def test_what_is_no_policy_says_where_and_why(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    found = collected(file)
    assert isinstance(found, NotKnown)
    assert found.not_known.startswith(f"the audit policy {file} cannot be used: {reason}")


def test_without_a_file_it_is_not_known(tmp_path: Path) -> None:
    missing = collected(tmp_path / "missing")
    assert isinstance(missing, NotKnown)
    assert missing.not_known.endswith("cannot be read: No such file or directory")
    none = collected(None)
    assert isinstance(none, NotKnown)
    assert "--audit-policy" in none.not_known
