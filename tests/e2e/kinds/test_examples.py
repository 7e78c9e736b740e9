"""The examples of whole secrets, files and custom resources, applied as they are."""

import json
import secrets
from typing import Any

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.tenants import add_tenant
from tests.e2e.cluster import Cluster
from tests.e2e.kinds.definitions import EXAMPLES
from tests.e2e.places import Places

NAMESPACE = "shop"
SECRETS = {"database": ("password",), "registry": ("username", "password"), "payments": ("token",)}


@pytest.fixture(scope="module")
def values(bed: Testbed) -> dict[str, dict[str, str]]:
    """Write the secrets that the examples refer to, and return them by path. Elsewhere is tested who sees values."""
    add_tenant(bed, NAMESPACE, ["secret/data/shop/*"])
    written = {path: {field: secrets.token_hex(8) for field in fields} for path, fields in SECRETS.items()}
    for path, fields in written.items():
        bed.vault.client().secrets.kv.v2.create_or_update_secret(f"shop/{path}", fields, mount_point="secret")
    return written


@pytest.fixture
def cluster(bed: Testbed, places: Places, webhook: Webhook) -> Cluster:
    assert webhook
    return Cluster(bed, places, NAMESPACE)


def applied(cluster: Cluster, folder: str, resource: str) -> dict[str, Any]:
    """Apply the manifest of a folder twice, and return what the cluster holds; nothing changes the second time."""
    (file,) = (EXAMPLES / folder).glob("*.yaml")
    name = yaml.safe_load(file.read_text())["metadata"]["name"]
    cluster.kubectl("apply", "-f", str(file))
    first = json.loads(cluster.kubectl("get", resource, name, "-o", "json").stdout)
    cluster.kubectl("apply", "-f", str(file))
    assert not cluster.kubectl("diff", "-f", str(file)).stdout
    again: dict[str, Any] = json.loads(cluster.kubectl("get", resource, name, "-o", "json").stdout)
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    return again


def test_a_whole_secret(cluster: Cluster, values: dict[str, dict[str, str]]) -> None:
    applied(cluster, "whole-secret", "secret")
    registry = values["registry"]
    login = f"{registry['username']}:{registry['password']}"
    assert cluster.values("registry-account") == {**values["database"], **registry, "login": login}


def test_a_file_in_a_configmap(cluster: Cluster, values: dict[str, dict[str, str]]) -> None:
    data = applied(cluster, "configmap", "configmap")["data"]
    rendered = yaml.safe_load(data["application.yaml"])
    assert rendered["datasource"] == {"username": "shop", "password": values["database"]["password"]}
    assert "((vault:" in data["application.yaml.tmpl"]


def test_an_application(cluster: Cluster, values: dict[str, dict[str, str]]) -> None:
    helm = applied(cluster, "custom-resource", "application")["spec"]["source"]["helm"]
    assert yaml.safe_load(helm["values"]) == {"auth": {"password": values["database"]["password"]}}
