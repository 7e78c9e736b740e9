"""200 texts with a planted value, and 200 that look like it and are harmless.

The shapes are those of which users of gitleaks, checkov, detect-secrets and kubesec complain: values that are missed
because data stands before the kind, in JSON, in `stringData`, in base64, in a list or in another object; and names,
references, placeholders, encrypted and public texts that are called secrets. No secret stands here: values are made.
"""

import base64
import json
import re
import string
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: app, namespace: shop}\n"


MARKER = re.compile(r"(?P<comment># )?(?<![A-Za-z0-9_])(?P<marker>[VB])(?![A-Za-z0-9_])")


class Case(NamedTuple):
    """A text, the line on which a planted value stands (0 for none), and the rule that finds it."""

    id: str
    text: str
    line: int = 0
    rule: str = ""
    value: str = ""
    file: str = "f.yaml"


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def letters(count: int, alphabet: str = string.ascii_letters + string.digits, seed: int = 7) -> str:
    random = Random(seed)
    return "".join(random.choice(alphabet) for _ in range(count))


# V stands for the value, B for its base64. The value stands on the line that has one of the two.
SHAPES: dict[str, str] = {
    "stringData": HEAD + "stringData:\n  password: V\n",
    "data": HEAD + "data:\n  password: B\n",
    "an innocent key": HEAD + "stringData:\n  LOG_FORMAT: V\n",
    "data before the kind": "data:\n  password: B\nmetadata: {name: app}\nkind: Secret\napiVersion: v1\n",
    "stringData before the kind": "stringData:\n  x: V\nkind: Secret\napiVersion: v1\nmetadata: {name: app}\n",
    "far from the kind": "kind: Secret\napiVersion: v1\n"
    + "# x\n" * 60
    + "metadata: {name: app}\nstringData:\n  x: V\n",
    "single quotes": HEAD + "stringData:\n  password: 'V'\n",
    "double quotes": HEAD + 'stringData:\n  password: "V"\n',
    "flow style": "{apiVersion: v1, kind: Secret, metadata: {name: app},\n stringData: {password: V}}\n",
    "a literal block": HEAD + "stringData:\n  app.ini: | # V\n    V\n",
    "a folded block": HEAD + "stringData:\n  app.ini: >- # V\n    V\n",
    "base64 in a block": HEAD + "data:\n  x: | # B\n    B\n",
    "base64 over two lines": HEAD + 'data:\n  x: "B\\\n    "\n',
    "a tag": HEAD + "data:\n  x: !!binary B\n",
    "a text by tag": HEAD + "stringData:\n  x: !!str V\n",
    "an alias": "a: &v V\n" + HEAD + "stringData:\n  x: *v # V\n",
    "a merge key": "kind: Secret\napiVersion: v1\nmetadata: {name: app}\nx: &x\n  p: V\nstringData:\n  <<: *x\n",
    "JSON": json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"x": "V"}}),
    "JSON with lines": json.dumps({"kind": "Secret", "apiVersion": "v1", "data": {"x": "B"}}, indent=2),
    "JSON with tabs": json.dumps({"data": {"x": "B"}, "kind": "Secret", "apiVersion": "v1"}, indent="\t"),
    "a stream of JSON": '{"a": 1}\n' + json.dumps({"kind": "Secret", "apiVersion": "v1", "stringData": {"x": "V"}}),
    "the second document": "a: 1\n---\n" + HEAD + "stringData:\n  x: V\n",
    "behind a broken document": "a: [\n---\n" + HEAD + "stringData:\n  x: V\n",
    "a list": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  stringData:\n    x: V\n",
    "a list of Secrets": "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: a}\n  data:\n    x: B\n",
    "a type": HEAD + "type: Opaque\nstringData:\n  x: V\n",
    "basic auth": HEAD + "type: kubernetes.io/basic-auth\nstringData:\n  username: admin\n  password: V\n",
    "an Argo CD repository": (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: r\n  labels: {argocd.argoproj.io/secret-type: repository}\n"
        "stringData:\n  type: git\n  url: https://git.example\n  username: app\n  password: V\n"
    ),
    "an Argo CD cluster": (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: c\n  labels: {argocd.argoproj.io/secret-type: cluster}\n"
        "stringData:\n  name: c\n  server: https://k.example\n  config: V\n"
    ),
    "a key of many": HEAD + "stringData:\n  a: vault:secret/shop/app#a\n  b: ''\n  c: V\n",
    "immutable": HEAD + "immutable: true\ndata:\n  x: B\n",
    "CRLF": (HEAD + "stringData:\n  x: V\n").replace("\n", "\r\n"),
    "a comment at its end": HEAD + "stringData:\n  x: V # from the vault\n",
    "an OpenShift template": (
        "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {name: t}\nobjects:\n"
        "- apiVersion: v1\n  kind: Secret\n  stringData:\n    x: V\n"
    ),
    "a Crossplane object": (
        "apiVersion: kubernetes.crossplane.io/v1alpha2\nkind: Object\nmetadata: {name: o}\nspec:\n  forProvider:\n"
        "    manifest:\n      apiVersion: v1\n      kind: Secret\n      stringData:\n        x: V\n"
    ),
    "within Helm values": "extraObjects:\n- apiVersion: v1\n  kind: Secret\n  stringData:\n    x: V\n",
    "half encrypted by SOPS": (
        HEAD + "stringData:\n  a: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\n  b: V\n"
        "sops: {mac: 'ENC[AES256_GCM,data:x]'}\n"
    ),
    "a default of a variable": HEAD + "stringData:\n  x: ${PASSWORD:-V}\n",
    "a block beside an annotation of another key": (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations: {data.keyhole.dev/y: 'vault:secret/a#y'}\n"
        "stringData:\n  x: V\n"
    ),
    "behind many keys, before the kind": (
        "apiVersion: v1\ndata:\n  a: JHt4fQ==\n  b: JHt4fQ==\n  c: JHt4fQ==\n  d: B\n"
        "kind: Secret\nmetadata: {name: a}\n"
    ),
    "comments between": HEAD + "# first\nstringData:\n  # second\n  x: V # third\n",
    "one of three Secrets": HEAD + "---\n" + HEAD + "data:\n  x: B\n---\n" + HEAD,
    "a docker configuration": HEAD + 'stringData:\n  .dockerconfigjson: \'{"auths": {"r": {"password": "V"}}}\'\n',
    "what kubectl keeps of it": (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations:\n"
        "    kubectl.kubernetes.io/last-applied-configuration: |\n"
        '      {"apiVersion":"v1","kind":"Secret","stringData":{"x":"V"}}\n'
    ),
    "a manifest in a ConfigMap": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  all.yaml: |\n    apiVersion: v1\n"
        "    kind: Secret\n    stringData:\n      x: V\n"
    ),
    "values of an Application": (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n"
        "        extraObjects:\n        - apiVersion: v1\n          kind: Secret\n"
        "          stringData:\n            x: V\n"
    ),
    "values of a HelmRelease": (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    extraObjects:\n"
        "    - {apiVersion: v1, kind: Secret, data: {x: B}}\n"
    ),
    "a patch as a part of the object": (
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\npatches:\n- patch: |\n    apiVersion: v1\n"
        "    kind: Secret\n    metadata: {name: a}\n    data:\n      x: B\n"
    ),
    "a patch by operations": (
        "kind: Kustomization\napiVersion: kustomize.toolkit.fluxcd.io/v1\nspec:\n  patches:\n"
        "  - target: {kind: Secret, name: a}\n    patch: |\n      - op: replace\n"
        "        path: /data/x\n        value: B\n"
    ),
    "a patch whose target says the kind": (
        "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\npatches:\n- target: {kind: Secret}\n"
        "  patch: |\n    apiVersion: v1\n    kind: any\n    metadata: {name: any}\n    stringData:\n      x: V\n"
    ),
    "a patch of the older form": (
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\npatchesStrategicMerge:\n- |\n"
        "  apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n  stringData:\n    x: V\n"
    ),
    "operations in a file": "- op: remove\n  path: /data/y\n- op: add\n  path: /stringData/x\n  value: V\n",
    "ignored by Keyhole": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, annotations: {keyhole.dev/ignore: 'true'}}\n"
        "stringData:\n  x: V\n"
    ),
}
VALUES = ["hunter2-canary", "correct-horse-canary", "Pa55word!canary"]
GENERATORS = {
    "a literal": "secretGenerator:\n- name: a\n  literals:\n  - password=V\n",
    "a quoted literal": "secretGenerator:\n- name: a\n  literals:\n  - 'password=\"V\"'\n",
    "one of two": "secretGenerator:\n- name: a\n  literals:\n  - a=vault:secret/a#b\n  - b=V\n",
    "of its kind": (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n- literals: [a=V]\n"
    ),
}
# Each with what its issuer gives out in place of the varying part.
TOKENS: dict[str, str] = {
    "ghp": "ghp_" + letters(36),
    "gho": "gho_" + letters(36),
    "pat": f"github_pat_{letters(22)}_{letters(59)}",
    "glpat": "glpat-" + letters(20),
    "glrt": "glrt-" + letters(20),
    "aws": "AKIA" + letters(16, "ABCDEFGHIJ234567"),
    "xoxb": "xoxb-" + letters(40, string.digits + "ab-"),
    "slack": f"https://hooks.slack.com/services/T{letters(8)}/B{letters(10)}/{letters(24)}",
    "stripe": "sk_live_" + letters(24),
    "sendgrid": f"SG.{letters(22)}.{letters(43)}",
    "npm": "npm_" + letters(36),
    "pypi": "pypi-AgE" + letters(60),
    "google": "AIza" + letters(35),
    "oauth": "GOCSPX-" + letters(28),
    "azure": f"AccountKey={letters(86)}==",
    "do": "dop_v1_" + letters(64, "abcdef0123456789"),
    "docker": "dckr_pat_" + letters(27),
    "vault": "hvs." + letters(24),
    "tf": f"{letters(14)}.atlasv1.{letters(60)}",
    "pulumi": "pul-" + letters(40, "abcdef0123456789"),
    "grafana": f"glsa_{letters(32)}_{letters(8, 'abcdef01')}",
    "hf": "hf_" + letters(34),
    "shopify": "shpat_" + letters(32, "abcdef0123456789"),
    "telegram": f"{letters(9, '123456789')}:AA{letters(33)}",
    "age": "AGE-SECRET-KEY-1" + letters(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "jwt": f"eyJ{letters(20)}.eyJ{letters(40)}.{letters(43)}",
    "rubygems": "rubygems_" + letters(48, "abcdef0123456789"),
}
URLS = [
    "postgres://app:canary-pw@db.example:5432/shop",
    "https://user:canary-pw@git.example/x.git",
    "redis://:canary-pw@redis:6379",
    "amqp://u:canary-pw@[::1]:5672/",
    "mongodb+srv://u:canary-pw@${HOST}/db",
]
PEMS = [
    f"-----BEGIN {label}PRIVATE KEY{block}-----\n{b64(letters(300))}\n-----END {label}PRIVATE KEY{block}-----\n"
    for label, block in (("", ""), ("RSA ", ""), ("EC ", ""), ("OPENSSH ", ""), ("ENCRYPTED ", ""), ("PGP ", " BLOCK"))
]
PLACES = {
    "a ConfigMap": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: V\n",
    "base64 in a ConfigMap": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbinaryData:\n  x: B\n",
    "values of Helm": "image: nginx\nauth:\n  key: V\n",
}


def planted() -> list[Case]:
    """Return the texts with a value."""
    cases = [_planted(name, shape, value, "KH301") for name, shape in SHAPES.items() for value in VALUES]
    for name, shape in GENERATORS.items():
        cases.append(_planted(f"kustomization, {name}", shape, VALUES[0], "KH302", "kustomization.yaml"))
    for token, value in TOKENS.items():
        cases += (_planted(f"{token} in {name}", shape, value, "KH303") for name, shape in list(PLACES.items())[:2])
    cases += (_planted(f"URL {value}", PLACES["values of Helm"], value, "KH304") for value in URLS)
    cases += (_planted(f"key {n}", PLACES["base64 in a ConfigMap"], value, "KH305") for n, value in enumerate(PEMS))
    cases += (_planted(f"{t} in values", PLACES["values of Helm"], v, "KH303") for t, v in list(TOKENS.items())[:11])
    return cases


def _planted(name: str, shape: str, value: str, rule: str, file: str = "f.yaml") -> Case:
    lines = shape.splitlines()
    marked = [number for number, line in enumerate(lines, 1) if MARKER.search(line)]
    # Of a block the line of its key counts, which a comment marks; of an alias the line where it is used.
    line = marked[-1] if name == "an alias" else marked[0]
    text = MARKER.sub(lambda found: _value(found, value), shape)
    return Case(f"{name}, {value[:12]!r}", text if text.endswith("\n") else f"{text}\n", line, rule, value, file)


def _value(found: re.Match[str], value: str) -> str:
    if found["comment"]:
        return "# here"
    return b64(value) if found["marker"] == "B" else value


STAND_INS = [
    "vault:secret/shop/app#password",
    "vault+eu:secret/a#b",
    "postgres://u:((vault:secret/a#b))@db",
    "${vault:secret/a#b}",
    "vault:secret/data/app#${.password}",
    ">>vault:secret/data/app#x",
    "<path:secret/data/app#password>",
    "<password>",
    "<path:a/b#c | base64encode>",
    "ref+vault://secret/app#/password",
    "ref+awssecrets://app/db",
    "secretref+vault://a#/b",
    "op://shop/app/password",
    "ENC[AES256_GCM,data:abc,iv:d,tag:e,type:str]",
    "${PASSWORD}",
    "${PASSWORD:=}",
    "$(PASSWORD)",
    "$PASSWORD",
    "${PASSWORD:?is not set}",
    "{{ .Values.password }}",
    "a{{ .x }}b",
    "{{ include 'x' . | quote }}",
    "((db-password))",
    "%(password)s",
    "@PASSWORD@",
    "__PASSWORD__",
    "%%PASSWORD%%",
    "********",
    "xxxxxxxx",
    "REDACTED",
    "REPLACE_ME",
    "UPDATE_AWS_SECRET_ACCESS_KEY",
    "YOUR-API-KEY",
    "PLACEHOLDER",
    "{CAMERA_PASSWORD}",
    "TODO",
    "true",
    "false",
    "arn:aws:secretsmanager:eu-west-1:1:secret:app",
    "sm://project/app",
    "vault:v1:bm9uZQ==",
]
NAMES = {
    "ExternalSecret": (
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec:\n"
        "  secretStoreRef: {name: vault, kind: SecretStore}\n  target: {name: app}\n"
        "  data:\n  - secretKey: N\n    remoteRef: {key: secret/app, property: N}\n"
    ),
    "SealedSecret": (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec:\n  encryptedData:\n"
        f"    N: {b64(letters(200))}\n"
    ),
    "Ingress": "apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec:\n  tls: [{secretName: N-tls}]\n",
    "secretKeyRef": (
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - env:\n    - name: PASSWORD\n"
        "      valueFrom: {secretKeyRef: {name: app, key: N}}\n"
    ),
    "existingSecret": "auth:\n  existingSecret: N\n  secretKeys: {adminPasswordKey: N}\n",
    "VaultStaticSecret": (
        "apiVersion: secrets.hashicorp.com/v1beta1\nkind: VaultStaticSecret\nspec:\n  mount: secret\n  path: N\n"
    ),
    "SecretProviderClass": (
        "apiVersion: secrets-store.csi.x-k8s.io/v1\nkind: SecretProviderClass\nspec:\n  parameters:\n"
        "    objects: |\n      - objectName: N\n        secretKey: N\n"
    ),
    "Role": (
        "kind: Role\napiVersion: rbac.authorization.k8s.io/v1\nrules: [{resources: [secrets], resourceNames: [N]}]\n"
    ),
    "SecretStore": (
        "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: a}\nspec:\n  provider:\n    vault:\n"
        "      auth: {kubernetes: {role: N, secretRef: {name: N, key: vault}}}\n"
    ),
    "PushSecret": (
        "apiVersion: external-secrets.io/v1alpha1\nkind: PushSecret\nspec:\n  selector: {secret: {name: N}}\n"
        "  data: [{match: {secretKey: N, remoteRef: {remoteKey: N}}}]\n"
    ),
    "an ExternalSecret with a manifest in its template": (
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec:\n  target:\n"
        "    template:\n      data:\n        resources.yaml: |\n          apiVersion: v1\n          kind: Secret\n"
        "          stringData:\n"
        '            N: "{{ .N }}"\n'
    ),
    "SopsSecret": (
        "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret\nspec:\n  secretTemplates:\n  - name: a\n"
        "    stringData: {N: 'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'}\nsops: {mac: 'ENC[AES256_GCM,data:x]'}\n"
    ),
    "valuesFrom": (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n"
        "  valuesFrom: [{kind: Secret, name: N, valuesKey: N}]\n"
    ),
    "replacements": (
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n"
        "replacements: [{source: {kind: Secret, name: N, fieldPath: data.N}}]\n"
    ),
    "a patch that removes": (
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\npatches:\n"
        "- target: {kind: Secret, name: N}\n  patch: |\n    - {op: remove, path: /data/N}\n"
        "    - {op: add, path: /metadata/labels/N, value: N}\n"
    ),
    "a patch of a ConfigMap": (
        "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\npatches:\n- target: {kind: ConfigMap}\n"
        "  patch: |\n    - {op: add, path: /data/N, value: N}\n"
    ),
    "a script that makes one": (
        "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers:\n"
        '  [{name: a, args: ["for N in $(oc get secret --template={{.data}}); do\\n'
        ' echo \\"\\napiVersion: v1\\nkind: Secret\\"\\ndone"]}]}}}\n'
    ),
    "a rule of Kyverno": "spec:\n  generate: {kind: Secret, apiVersion: v1, clone: {name: N, namespace: x}}\n",
    "an empty Secret": HEAD + "stringData:\n  N: ''\n",
    "a Secret without values": HEAD + "data: {}\n# N\n",
    "an annotation": (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations: {data.keyhole.dev/N: 'vault:secret/a#N'}\n"
    ),
    "null": HEAD + "data:\n  N:\n",
    "a schema": "properties:\n  kind: {const: Secret}\n  data: {type: object, properties: {N: {type: string}}}\n",
}
KEYS = ["password", "vault-api-key", "AWS_SECRET_ACCESS_KEY", "token", "db-credentials"]


def harmless() -> list[Case]:
    """Return the texts without a value."""
    cases = [Case(f"stringData, {v}", HEAD + f"stringData:\n  x: {json.dumps(v)}\n") for v in STAND_INS]
    cases += (Case(f"data, {v}", HEAD + f"data:\n  x: {b64(v)}\n") for v in STAND_INS)
    cases += (Case(f"{name}, {key}", text.replace("N", key)) for name, text in NAMES.items() for key in KEYS)
    cases += _public()
    cases += _samples()
    cases += _credentials()
    cases += _of_no_person()
    return cases


def _public() -> Iterator[Case]:
    certificate = f"-----BEGIN CERTIFICATE-----\n{b64(letters(90))}\n-----END CERTIFICATE-----\n"
    texts = {
        "a certificate": certificate,
        "a chain": certificate * 2,
        "a public key": certificate.replace("CERTIFICATE", "PUBLIC KEY"),
        "a list": certificate.replace("CERTIFICATE", "X509 CRL"),
        "an SSH key": f"ssh-ed25519 AAAA{letters(64)} me@x",
        "a sample of a certificate": "-----BEGIN CERTIFICATE-----\n<your-certificate>\n-----END CERTIFICATE-----\n",
        "a sample of a key": "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
        "known hosts": (
            f"# hosts\ngit.example ssh-rsa AAAA{letters(300)}\ngit.example ecdsa-sha2-nistp256 AAAA{letters(90)}\n"
        ),
    }
    for name, text in texts.items():
        yield Case(f"{name} in data", HEAD + f"type: kubernetes.io/tls\ndata:\n  x: {b64(text)}\n")
        yield Case(f"{name} in stringData", HEAD + f"stringData:\n  x: {json.dumps(text)}\n")


def _credentials() -> Iterator[Case]:
    auth = b64("vault:secret/registry#user:vault:secret/registry#password")
    for auths in ({"auth": auth}, {"username": "vault:secret/a#u", "password": "vault:secret/a#p", "auth": auth}):
        text = b64(json.dumps({"auths": {"https://r.example": auths}}))
        yield Case(f"docker's {', '.join(auths)}", HEAD + f"data:\n  .dockerconfigjson: {text}\n")


def _samples() -> Iterator[Case]:
    texts = [
        "AKIAIOSFODNN7" + "EXAMPLE",
        "ghp_" + "x" * 36,
        "glpat-" + "x" * 20,
        "hvs." + "A" * 24,
        "sk_live_" + "0" * 24,
        "ghp_short",
        "https://user:${PASSWORD}@host",
        "https://user:<password>@host",
        "https://user:$(PASSWORD)@host",
        "https://user:****@host",
        "https://user:((vault:secret/a#b))@host",
        "https://user:{{ .password }}@host",
        "https://git@host/x",
        "https://host:8443/a@b",
        "http://x/?a=b:c@d",
        "mailto:me@host",
        "-----BEGIN PRIVATE KEY-----",
        "nginx@sha256:" + letters(64, "abcdef0123456789"),
        "-----BEGIN PRIVATE KEY-----\n((vault:secret/a#key))\n-----END PRIVATE KEY-----",
        "e3b0c44298fc1c149afbf4c8996fb924",
        letters(40),
        b64(letters(60)),
        "d290f1ee-6c54-4b01-90e6-d701748f0851",
        "docker.io/library/nginx:1.27",
        "key_live_feature",
        "rtsp://view:{CAMERA_PASSWORD}@porch.home:554/cam",
        "TF_TEAM_TOKEN",
        "my-api-key",
        "dev/api/env-main",
        "DecryptSecret485044a34a824a77dd95f3440eb9dcc7ServiceRoleDefaultPolicyFBB19A35",
        "Before you begin, write a manifest of\nkind: Secret\nwith your password.",
        letters(64, "abcdef0123456789"),
    ]
    for text in texts:
        yield Case(f"a ConfigMap, {text[:30]!r}", PLACES["a ConfigMap"].replace("x: V", f"x: {json.dumps(text)}"))


def _of_no_person() -> Iterator[Case]:
    yield Case(
        "a token that a controller fills",
        HEAD + f"type: kubernetes.io/service-account-token\ndata:\n  x: {b64('x' * 9)}\n",
    )
    yield Case("helm's release", HEAD + f"type: helm.sh/release.v1\ndata:\n  release: {b64(letters(90))}\n")
    for key in ("type", "url", "username", "name", "project", "insecure", "enableOCI", "githubAppID"):
        labels = "  labels: {argocd.argoproj.io/secret-type: repository}\n"
        head = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: r\n{labels}"
        yield Case(f"Argo CD, {key}", f"{head}stringData:\n  {key}: some-text\n")
    yield Case("a user", HEAD + "type: kubernetes.io/basic-auth\nstringData:\n  username: app\n")
    encrypted = '{"data": "ENC[AES256_GCM,data:x]", "sops": {"mac": "ENC[AES256_GCM,data:y]"}}'
    yield Case("a file that SOPS encrypted, in a Secret", HEAD + f"data:\n  values.json: {b64(encrypted)}\n")
    for literal in ("a=vault:secret/a#b", "a=${A}", "a=", "a=<a>"):
        text = f"secretGenerator:\n- name: a\n  literals:\n  - {literal}\n"
        yield Case(f"kustomization, {literal}", text, file="kustomization.yaml")
    for kind in ("files: [gone.txt]", "envs: [gone.env]", "files: [x=gone.txt]"):
        yield Case(f"kustomization, {kind}", f"secretGenerator:\n- name: a\n  {kind}\n", file="kustomization.yaml")
