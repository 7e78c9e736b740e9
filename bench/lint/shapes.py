"""Manifests as they stand in repositories, each somewhat different from the next, and the same in each run. Pure."""

import base64
import json
from collections.abc import Callable, Sequence
from random import Random

_WORDS = (
    *("api", "auth", "batch", "billing", "cache", "cart", "catalog", "checkout", "db", "edge", "events", "feed"),
    *("gateway", "images", "ingest", "jobs", "ledger", "mail", "media", "metrics", "orders", "payments", "profile"),
    *("queue", "reports", "search", "session", "shop", "sync", "tokens", "users", "vault", "webhooks", "worker"),
)
_PROSE = (
    *(
        "The",
        "controller",
        "keeps",
        "a",
        "copy",
        "of",
        "each",
        "object",
        "that",
        "it",
        "has",
        "seen",
        "and",
        "compares",
    ),
    *("what", "is", "wanted", "with", "found;", "defaults", "apply", "where", "nothing", "said,", "see", "below"),
)


def name_of(random: Random) -> str:
    """Return a name of two words and a number."""
    return f"{random.choice(_WORDS)}-{random.choice(_WORDS)}-{random.randrange(1000)}"


def _prose(random: Random, words: int) -> str:
    return " ".join(random.choices(_PROSE, k=words))


def _head(random: Random, version: str, kind: str, team: str, more: str = "") -> str:
    name = name_of(random)
    return (
        f"apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {team}\n"
        f"  labels:\n    app.kubernetes.io/name: {name}\n    app.kubernetes.io/part-of: {team}\n{more}"
    )


def _deployment(random: Random, team: str) -> str:
    name, port = name_of(random), random.randrange(1024, 9999)
    env = "".join(
        f"            - name: {random.choice(_WORDS).upper()}_{number}\n              value: {_value(random)}\n"
        for number in range(random.randrange(12))
    )
    digest = f"{random.getrandbits(256):064x}"
    return _head(random, "apps/v1", "Deployment", team) + (
        f"spec:\n  replicas: {random.randrange(1, 9)}\n  selector:\n    matchLabels: {{app: {name}}}\n"
        f"  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n      containers:\n"
        f"        - name: {name}\n          image: registry.example/{team}/{name}@sha256:{digest}\n"
        f"          args: [--listen, ':{port}', --log-level=info]\n{'          env:' if env else ''}\n{env}"
        f"          ports:\n            - containerPort: {port}  # {_prose(random, 6)}\n"
        f"          resources:\n            requests: {{cpu: {random.randrange(10, 900)}m, memory: 128Mi}}\n"
        "          securityContext:\n            runAsNonRoot: true\n            capabilities: {drop: [ALL]}\n"
    )


def _value(random: Random) -> str:
    return random.choice(
        (
            f'"{random.randrange(10**6)}"',
            f"http://{name_of(random)}.svc.cluster.local:8080/v1",
            '"true"',
            f"'{_prose(random, 3)}'",
            "info",
        )
    )


def _service(random: Random, team: str) -> str:
    return _head(random, "v1", "Service", team) + (
        f"spec:\n  selector: {{app: {name_of(random)}}}\n  ports:\n    - name: http\n      port: 80\n"
        f"      targetPort: {random.randrange(1024, 9999)}\n"
    )


def _config_map(random: Random, team: str) -> str:
    lines = "".join(f"    {name_of(random)}.limit = {random.randrange(999)}\n" for _ in range(random.randrange(3, 30)))
    return _head(random, "v1", "ConfigMap", team) + f"data:\n  app.properties: |\n    # {_prose(random, 9)}\n{lines}"


def _filled_secret(random: Random, team: str) -> str:
    keys = "".join(
        f"    data.keyhole.dev/{word}: vault:secret/{team}/{name_of(random)}#{word}\n"
        for word in random.sample(_WORDS, random.randrange(1, 5))
    )
    return _head(random, "v1", "Secret", team, f"  annotations:\n{keys}")


def _secret_in_place(random: Random, team: str) -> str:
    secret = f"postgres://{team}:((vault:secret/{team}/db#password | urlencode))@db/{team}"
    encoded = base64.b64encode(random.randbytes(24)).decode()
    return _head(random, "v1", "Secret", team) + f"stringData:\n  url: {secret}\ndata:\n  other: {encoded}\n"


def _sealed(random: Random, team: str) -> str:
    sealed = base64.b64encode(random.randbytes(700)).decode()
    return _head(random, "bitnami.com/v1alpha1", "SealedSecret", team) + (
        f"spec:\n  encryptedData:\n    password: {sealed}\n  template:\n    type: Opaque\n"
    )


def _external(random: Random, team: str) -> str:
    data = "".join(
        f"    - secretKey: {word}\n      remoteRef:\n        key: {team}/{name_of(random)}\n        property: {word}\n"
        for word in random.sample(_WORDS, random.randrange(1, 6))
    )
    return _head(random, "external-secrets.io/v1", "ExternalSecret", team) + (
        f"spec:\n  refreshInterval: 1h\n  secretStoreRef: {{kind: ClusterSecretStore, name: vault}}\n  data:\n{data}"
    )


def _helm_release(random: Random, team: str) -> str:
    values = "".join(
        f"    {word}:\n      enabled: {random.choice(('true', 'false'))}\n      # {_prose(random, 7)}\n"
        f"      size: {random.randrange(100)}Gi\n      hosts: [{name_of(random)}.example, {name_of(random)}.example]\n"
        for word in random.sample(_WORDS, random.randrange(2, 12))
    )
    return _head(random, "helm.toolkit.fluxcd.io/v2", "HelmRelease", team) + (
        f"spec:\n  interval: 30m\n  chart:\n    spec:\n      chart: {name_of(random)}\n      version: 1.{team[-1]}.x\n"
        f"  values:\n{values}"
    )


def _definition(random: Random, team: str) -> str:
    fields = "".join(
        f"              {word}:\n                description: |-\n                  {_prose(random, 18)}\n"
        f"                  {_prose(random, 11)}\n                type: string\n"
        for word in random.sample(_WORDS, random.randrange(5, 30))
    )
    kind = team.replace("-", "").capitalize()
    return (
        f"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        f"metadata:\n  name: {team}s.example.com\n"
        f"spec:\n  group: example.com\n  scope: Namespaced\n  names: {{kind: {kind}, plural: {team}s}}\n"
        "  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema:\n"
        "        openAPIV3Schema:\n"
        f"          type: object\n          properties:\n            spec:\n              type: object\n{fields}"
    )


def _ingress(random: Random, team: str) -> str:
    host = f"{name_of(random)}.example"
    return _head(random, "networking.k8s.io/v1", "Ingress", team) + (
        f"spec:\n  tls:\n    - hosts: [{host}]\n      secretName: {name_of(random)}-tls\n  rules:\n    - host: {host}\n"
        f"      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n"
        f"              service: {{name: {name_of(random)}, port: {{name: http}}}}\n"
    )


def _role(random: Random, team: str) -> str:
    rules = "".join(
        f'  - apiGroups: [""]\n    resources: [{random.choice(("pods", "services", "configmaps"))}]\n'
        "    verbs: [get, list, watch]\n"
        for _ in range(random.randrange(1, 6))
    )
    return _head(random, "rbac.authorization.k8s.io/v1", "Role", team) + f"rules:\n{rules}"


def _namespace(random: Random, team: str) -> str:
    labels = f"{{team: {random.choice(_WORDS)}, keyhole.dev/enabled: 'true'}}"
    return f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {team}\n  labels: {labels}\n"


def _kustomization(random: Random, team: str) -> str:
    names = "".join(f"  - {name_of(random)}.yaml\n" for _ in range(random.randrange(2, 15)))
    return (
        f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {team}\nresources:\n{names}"
        f"images:\n  - name: registry.example/{team}\n    newTag: v1.{random.randrange(99)}\n"
    )


_SHAPES: Sequence[Callable[[Random, str], str]] = (
    *(_deployment, _deployment, _deployment, _service, _service, _config_map, _config_map, _helm_release),
    *(_filled_secret, _filled_secret, _secret_in_place, _sealed, _external, _definition, _ingress, _role),
    *(_namespace, _kustomization),
)


def document(random: Random, team: str) -> str:
    """Return a document of a team, in YAML."""
    return random.choice(_SHAPES)(random, team)


def document_in_json(random: Random, team: str) -> str:
    """Return one as JSON, as `kubectl get -o json` and dashboards have it."""
    name = name_of(random)
    panels = [
        {"title": _prose(random, 4), "type": "timeseries", "targets": [{"expr": f"sum(rate({name}_total[5m]))"}]}
        for _ in range(random.randrange(1, 12))
    ]
    metadata = {"name": name, "namespace": team, "labels": {"grafana_dashboard": "1"}}
    content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a.json": json.dumps(panels)}}
    return json.dumps(content, indent=2) + "\n"
