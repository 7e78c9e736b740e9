"""The policies for what an organisation demands, on the real API server, behind the real webhook.

They have names of their own and hold in one namespace only, so that the rest of the bed stays as it was installed.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest
import requests

from manifests.kinds.known import ONLY_SECRETS
from manifests.registration.demands.appliers import appliers_policy
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import images_policy
from manifests.registration.demands.plaintext import plaintext_policy
from testbed import Testbed
from testbed.keyhole.objects import apply, delete
from tests.e2e.cluster import Cluster
from tests.e2e.enforcer.installed import OWN
from tests.e2e.objects import Manifest, encoded, filled, secret
from tests.e2e.planter import Planter

MIB: Final = 1024 * 1024
DIGEST: Final = "@sha256:" + "0123456789abcdef" * 4
ANN: Final = ("--as=ann", "--as-group=system:masters")
_SECONDS: Final = 60.0
_REF: Final = "vault:secret/shop/app#password"


@pytest.fixture(scope="module")
def _demanded(bed: Testbed, tenants: Sequence[str]) -> Iterator[None]:
    """Have the policies deny in the first tenant's namespace until the module's tests are done."""
    policies = [
        *plaintext_policy(Action.DENY, names=["exempt-*"], keys=["ca.crt", "bulk-*"], name="demanded-plaintext"),
        *images_policy(Action.DENY, registries=["free.example/team"], name="demanded-images"),
        *appliers_policy(
            Action.DENY,
            users=["ann"],
            groups=["gitops"],
            service_accounts=["flux/kustomize"],
            name="demanded-appliers",
            kinds=ONLY_SECRETS,
        ),
    ]
    # No controller makes the account that pods have.
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": tenants[0]}}
    made = [account, *(_here(policy, tenants[0]) for policy in reversed(policies))]
    apply(bed, *made)
    _wait(bed, tenants[0], are_there=True)
    yield
    delete(bed, *reversed(made))
    # A policy whose parameters are gone refuses everything, and the API server learns of each deletion by itself.
    _wait(bed, tenants[0], are_there=False)


def _here(policy: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    if policy["kind"] != "ValidatingAdmissionPolicyBinding":
        return policy
    only = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    return {**policy, "spec": {**policy["spec"], "matchResources": only}}


def _wait(bed: Testbed, namespace: str, *, are_there: bool) -> None:
    """Wait until each policy is in force, or none refuses: the API server's own view of them is a moment behind."""
    deadline = time.monotonic() + _SECONDS
    asked = [
        ("/api/v1", "secrets", secret("probe", data={"a": encoded("x")})),
        ("/api/v1", "pods", pod("probe", ["probe:1"])),
        ("/api/v1", "secrets", secret("exempt-probe", {"keyhole.dev/follow": "false"})),
    ]
    for root, resource, manifest in asked:
        path = f"{root}/namespaces/{namespace}/{resource}"
        is_waiting = True
        while is_waiting:
            answer = bed.kubernetes.request("POST", path, manifest)
            # Without its parameters, a policy refuses with another status.
            is_waiting = answer.status_code != 403 if are_there else "'demanded-" in answer.text
            bed.kubernetes.request("DELETE", f"{path}/{manifest['metadata']['name']}?gracePeriodSeconds=0")
            assert time.monotonic() < deadline


def pod(name: str, images: Sequence[str], **kinds: Sequence[str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod_spec(images, **kinds)}


def pod_spec(images: Sequence[str], **kinds: Sequence[str]) -> Manifest:
    lists = {"containers": images, **kinds}
    return {
        kind: [{"name": f"{kind.lower()}-{number}", "image": image} for number, image in enumerate(listed)]
        for kind, listed in lists.items()
    }


def deployment(name: str, images: Sequence[str], replicas: int = 0) -> Manifest:
    template = {"metadata": {"labels": {"app": name}}, "spec": pod_spec(images)}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def post(cluster: Cluster, resource: str, manifest: Manifest) -> requests.Response:
    version = manifest["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return cluster.bed.kubernetes.request("POST", f"{root}/namespaces/{cluster.namespace}/{resource}", manifest)


def refused(answer: requests.Response) -> str:
    """Return what a policy says. 422, Kubernetes' default, would have `kubectl apply --force` delete the object."""
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
    message: str = answer.json()["message"]
    return message.partition(" denied request: ")[2]


@pytest.mark.usefixtures("_demanded")
class TestAppliers:
    def test_named_accounts_alone_change_keyholes_annotations(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("app")
        manifest = json.dumps(filled("app", password=_REF))
        masters = "--as-group=system:masters"
        told = (
            "annotation data.keyhole.dev/password may not be changed by {}: Keyhole's annotations are for the accounts"
        )
        for who in ("ben", "system:serviceaccount:flux:other"):
            done = cluster.kubectl("apply", f"--as={who}", masters, "-f", "-", text=manifest, check=False)
            assert told.format(who) in done.stderr
        for flags in (
            ("--as=ann", masters),
            ("--as=cy", masters, "--as-group=gitops"),
            ("--as=system:serviceaccount:flux:kustomize", masters),
        ):
            cluster.kubectl("apply", *flags, "-f", "-", text=manifest)
            cluster.delete("app")

    def test_the_namespaces_own_reconciler_needs_no_name(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("app")
        cluster.kubectl("apply", *ANN, "-f", "-", text=json.dumps(filled("app", password=_REF)))
        mark = ("annotate", "secret", "app", "keyhole.dev/problem=x", "--as-group=system:masters")
        account = "system:serviceaccount:{}:keyhole-reconciler"
        other = cluster.kubectl(*mark, f"--as={account.format('other')}", check=False)
        assert "annotation keyhole.dev/problem may not be changed by" in other.stderr
        cluster.kubectl(*mark, f"--as={account.format(cluster.namespace)}")

    def test_what_touches_none_of_them_is_free_and_taking_one_away_is_not(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        plant.secret("app")
        cluster.kubectl("apply", *ANN, "-f", "-", text=json.dumps(filled("app", password=_REF)))
        cluster.kubectl("label", "secret", "app", "example.com/a=b")
        taken = cluster.kubectl("annotate", "secret", "app", "data.keyhole.dev/password-", check=False)
        assert "may not be changed by testbed-admin" in taken.stderr

    def test_a_reference_in_place_counts_by_its_record(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("app")
        answer = cluster.create(secret("app", data={"password": encoded(_REF)}))
        assert "annotation keyhole.dev/record may not be changed by testbed-admin" in refused(answer)

    def test_a_template_counts(self, cluster: Cluster) -> None:
        manifest = deployment("asks", [f"app{DIGEST}"])
        manifest["spec"]["template"]["metadata"]["annotations"] = {"env.keyhole.dev/PASSWORD": _REF}
        assert refused(post(cluster, "deployments", manifest)).startswith("annotation env.keyhole.dev/PASSWORD ")


@pytest.mark.usefixtures("_demanded")
class TestPlaintext:
    @pytest.mark.parametrize("kind", ["Opaque", "example.com/mine"])
    def test_a_value_that_no_reference_fills_is_refused(self, cluster: Cluster, kind: str) -> None:
        told = "data.a has a value of its own: put it into Vault, and let a reference fill the key"
        assert refused(cluster.create(secret("app", data={"a": encoded("x"), "b": encoded("y")}, type=kind))) == told

    @pytest.mark.parametrize(
        "manifest",
        [
            pytest.param(secret("exempt-one", data={"a": encoded("x")}), id="by name"),
            pytest.param(secret("app", stringData={"ca.crt": "x", "bulk-1": "x"}), id="by key"),
            pytest.param(secret("app", stringData={"username": "x"}, type="kubernetes.io/basic-auth"), id="by type"),
            pytest.param(secret("app"), id="without a key"),
        ],
    )
    def test_what_is_exempt_passes(self, cluster: Cluster, manifest: Manifest) -> None:
        assert cluster.create(manifest).status_code == 201

    def test_so_do_what_a_reference_fills_and_the_text_of_a_file_and_nothing_beside_them(
        self, cluster: Cluster, plant: Planter
    ) -> None:
        plant.secret("app")
        manifest = filled("app", password=_REF, file="key:template")
        manifest["data"] = {"template": encoded(f"password=(({_REF}))")}
        cluster.kubectl("apply", *ANN, "-f", "-", text=json.dumps(manifest))
        assert cluster.values("app").keys() == {"password", "file", "template"}
        manifest["data"]["more"] = encoded("x")
        done = cluster.kubectl("apply", *ANN, "-f", "-", text=json.dumps(manifest), check=False)
        assert "data.more has a value of its own" in done.stderr

    def test_what_only_looks_like_the_source_of_a_file_excuses_no_value(self, cluster: Cluster, plant: Planter) -> None:
        plant.secret("app")
        text = encoded(f"password=(({_REF}))")
        right = secret("app", {"keyhole.dev/fields": f"/data/a: {_REF}\n/data/file: key:in\n"}, data={"in": text})
        cluster.kubectl("apply", *ANN, "-f", "-", text=json.dumps(right))
        for fields in (f"/data/a: {_REF} # key:more", f'/data/a: "(({_REF}))\n/data/b: key:more"'):
            # The line that looks like one is about a key that something else fills, so that the policy keyhole passes.
            notes = {"keyhole.dev/fields": fields, "data.keyhole.dev/b": _REF}
            wrong = secret("app", notes, data={"in": text, "more": encoded("x")})
            done = cluster.kubectl("apply", *ANN, "-f", "-", text=json.dumps(wrong), check=False)
            assert "has a value of its own" in done.stderr
        unnamed = secret(
            "", {"keyhole.dev/fields": f'/data/a: "(({_REF}))\n/data/more: x"'}, data={"more": encoded("x")}
        )
        unnamed["metadata"] = {**unnamed["metadata"], "generateName": "app-"}
        del unnamed["metadata"]["name"]
        done = cluster.kubectl("create", *ANN, "-f", "-", text=json.dumps(unnamed), check=False)
        assert "has a value of its own" in done.stderr

    def test_a_thousand_keys_that_references_fill_pass(self, cluster: Cluster, plant: Planter) -> None:
        plant.write("thousand", {f"key-{number:04}": plant.value() for number in range(1000)})
        manifest = secret("thousand", {"keyhole.dev/from": "secret/shop/thousand"})
        cluster.kubectl("create", *ANN, "-f", "-", text=json.dumps(manifest))
        assert len(cluster.values("thousand")) == 1000

    @pytest.mark.parametrize("keys", [1, int(os.environ.get("KEYHOLE_KEYS", "1000"))])
    def test_the_largest_secrets_are_judged(self, cluster: Cluster, keys: int) -> None:
        value = encoded(b"\1" * (MIB // keys))
        exempt = {f"bulk-{number:05}": value for number in range(keys)}
        assert cluster.create(secret("full", data=exempt)).status_code == 201
        own = {f"own-{number:05}": value for number in range(keys)}
        assert refused(cluster.create(secret("own", data=own))).startswith("data.own-00000 has a value of its own")


@pytest.mark.usefixtures("_demanded")
class TestImages:
    @pytest.mark.parametrize(
        ("resource", "manifest"),
        [
            ("pods", pod("app", ["app:1"])),
            ("pods", pod("app", [f"app{DIGEST}"], initContainers=["init"])),
            ("pods", pod("app", [f"app{DIGEST}", f"app:1{DIGEST}0"])),
            ("pods", pod("app", ["free.example/teams/app:1"])),
            ("deployments", deployment("app", ["app:1"])),
            (
                "cronjobs",
                {
                    "apiVersion": "batch/v1",
                    "kind": "CronJob",
                    "metadata": {"name": "app"},
                    "spec": {
                        "schedule": "@daily",
                        "jobTemplate": {
                            "spec": {"template": {"spec": {**pod_spec(["app"]), "restartPolicy": "Never"}}}
                        },
                    },
                },
            ),
        ],
    )
    def test_an_image_without_a_digest_is_refused(self, cluster: Cluster, resource: str, manifest: Manifest) -> None:
        assert "has no digest: name it as NAME@sha256:" in refused(post(cluster, resource, manifest))

    def test_one_with_a_digest_passes_and_so_does_an_exempt_registry(self, cluster: Cluster) -> None:
        images = [f"app{DIGEST}", f"registry.example:5000/a/b:1{DIGEST}", "free.example/team/app:1"]
        assert post(cluster, "pods", pod("pinned", images)).status_code == 201
        path = f"/api/v1/namespaces/{cluster.namespace}/pods/pinned"
        found = cluster.bed.kubernetes.request("GET", path).json()
        found["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "busybox"}]
        debugged = cluster.bed.kubernetes.request("PUT", f"{path}/ephemeralcontainers", found)
        assert refused(debugged).startswith("image busybox has no digest")
        cluster.bed.kubernetes.request("DELETE", f"{path}?gracePeriodSeconds=0").raise_for_status()

    def test_five_hundred_containers_are_judged_and_pass_as_they_were(self, bed: Testbed, cluster: Cluster) -> None:
        images = [f"registry-{number}.example/{'n' * 150}:{number}" for number in range(500)]
        assert refused(post(cluster, "deployments", deployment("tags", images))).startswith("image registry-0.example/")
        pinned = deployment("pinned", [f"{image}{DIGEST}" for image in images])
        assert post(cluster, "deployments", pinned).status_code == 201
        apply(bed, {**pinned, "metadata": {"name": "pinned", "namespace": cluster.namespace, "labels": {"a": "b"}}})
        delete(bed, {**pinned, "metadata": {"name": "pinned", "namespace": cluster.namespace}})


@pytest.mark.usefixtures("_demanded")
def test_without_its_parameters_a_policy_that_denies_refuses(bed: Testbed, cluster: Cluster) -> None:
    parameters = images_policy(Action.DENY, registries=["free.example/team"], name="demanded-images")[2]
    delete(bed, parameters)
    deadline = time.monotonic() + _SECONDS
    while (answer := post(cluster, "pods", pod("pinned", [f"app{DIGEST}"]))).ok:
        path = f"/api/v1/namespaces/{cluster.namespace}/pods/pinned?gracePeriodSeconds=0"
        bed.kubernetes.request("DELETE", path).raise_for_status()
        assert time.monotonic() < deadline
    assert "no params found" in answer.json()["message"]
    assert parameters["metadata"]["namespace"] == OWN
    apply(bed, parameters)
    _wait(bed, cluster.namespace, are_there=True)
