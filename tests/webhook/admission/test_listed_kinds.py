"""Kinds that an administrator listed: who may have them filled, and what is said of the others."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from kube.access import SECRETS, Subject
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.kinds.listed import read
from metrics.meters import Meters
from resolver.causes import Cause
from resolver.deadline import Deadline
from tests.manifests.kinds.kind_cases import Vault
from tests.manifests.provenances import RING
from tests.webhook.admission.test_admit import Labels
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission
from webhook.admission.metered import OTHER, MeteredAdmission
from webhook.model import Answer

LISTED = read(
    json.dumps(
        {
            "kinds": [
                {"kind": "ConfigMap"},
                {"group": "example.org", "kind": "App", "resource": "apps", "version": "v1", "fields": ["/spec/**"]},
            ]
        }
    )
)
APP_CODEC = next(codec for codec in LISTED if codec.kind == "App")
CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "app", "annotations": {"data.keyhole.dev/a": "vault:secret/app#a"}},
}
APP = {
    "apiVersion": "example.org/v1",
    "kind": "App",
    "metadata": {"name": "app", "annotations": {"keyhole.dev/fields": "/spec/a: vault:secret/app#a"}},
    "spec": {},
}


@dataclass
class Rights:
    """Allows what is named: resource and name, "" for every object."""

    granted: set[tuple[str, str, str]]
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def may_get(
        self,
        subject: Subject,
        namespace: str,
        name: str,
        timeout_seconds: float,
        resource: tuple[str, str] = SECRETS,
    ) -> bool:
        assert timeout_seconds > 0
        self.asked.append((*resource, name))
        return bool({(*resource, name), (*resource, "")} & self.granted)


def _answer(manifest: dict[str, Any], rights: Rights, kinds: Kinds = LISTED, **request: Any) -> Answer:
    group, _, version = manifest["apiVersion"].rpartition("/")
    kind = {"group": group, "version": version, "kind": manifest["kind"]}
    admission = Admission(Vault(), Labels(), rights, lambda: RING, kinds=kinds)
    return admission.answer(parsed(manifest, kind=kind, **request), Deadline.after(5))


ALL_SECRETS = ("", "secrets", "")


@pytest.mark.parametrize(("manifest", "of_object"), [(CONFIG_MAP, ("", "configmaps")), (APP, ("example.org", "apps"))])
def test_get_on_the_object_and_on_the_namespaces_secrets_is_needed(
    manifest: dict[str, Any], of_object: tuple[str, str]
) -> None:
    for granted in ({(*of_object, "app"), ALL_SECRETS}, {(*of_object, ""), ALL_SECRETS}):
        assert _answer(manifest, Rights(granted)).allowed
    for granted, missing in (
        (set(), f"this {manifest['kind']}"),
        ({ALL_SECRETS}, f"this {manifest['kind']}"),
        ({(*of_object, "app")}, "the Secrets of the namespace"),
        # To read one Secret is not enough: whoever fills an object chooses the path.
        ({(*of_object, "app"), ("", "secrets", "app")}, "the Secrets of the namespace"),
    ):
        answer = _answer(manifest, Rights(granted))
        assert answer.cause is Cause.REQUESTER_MAY_NOT_READ
        assert f"dev may not get {missing}" in answer.message


def test_the_message_names_the_resource_as_rbac_does() -> None:
    assert "the verb get on apps.example.org in the namespace" in _answer(APP, Rights({ALL_SECRETS})).message
    assert "the verb get on configmaps in the namespace" in _answer(CONFIG_MAP, Rights({ALL_SECRETS})).message


def test_for_secrets_nothing_more_is_asked() -> None:
    manifest = {**CONFIG_MAP, "kind": "Secret"}
    rights = Rights({("", "secrets", "app")})
    assert _answer(manifest, rights).allowed
    assert rights.asked == [("", "secrets", "app")]


@pytest.mark.parametrize("manifest", [CONFIG_MAP, APP])
def test_a_kind_that_is_not_listed_is_refused_if_it_has_references(manifest: dict[str, Any]) -> None:
    answer = _answer(manifest, Rights(set()), ONLY_SECRETS)
    assert not answer.allowed
    assert "does not fill objects of this kind" in answer.message


def test_of_custom_resources_data_may_be_anything() -> None:
    rights = Rights({("example.org", "apps", ""), ALL_SECRETS})
    for data in ("text", 1, ["a"], {"a": 1}, None):
        assert _answer({**APP, "data": data}, rights).allowed


def test_listed_kinds_are_counted_by_name() -> None:
    for kinds, label in ((LISTED, "ConfigMap"), (ONLY_SECRETS, OTHER)):
        meters = Meters.alone()
        admission = Admission(
            Vault(), Labels(), Rights({("", "configmaps", ""), ALL_SECRETS}), lambda: RING, kinds=kinds
        )
        request = parsed(CONFIG_MAP, kind={"group": "", "version": "v1", "kind": "ConfigMap"})
        MeteredAdmission(admission, meters, kinds).answer(request, Deadline.after(5))
        assert f'kind="{label}"' in meters.text().decode()


def test_a_custom_resource_that_would_become_larger_than_etcd_takes_is_refused() -> None:
    rights = Rights({("example.org", "apps", ""), ALL_SECRETS})
    room = APP_CODEC.max_bytes - APP_CODEC.other_bytes({**APP, "text": ""}, ()) - len("<secret/app#a>")
    assert _answer({**APP, "text": "x" * room}, rights).allowed
    answer = _answer({**APP, "text": "x" * (room + 1)}, rights)
    assert answer.cause is Cause.SECRET_TOO_LARGE
    assert "with this value the App would have more than the 1310720 bytes of data that etcd allows" in answer.message
