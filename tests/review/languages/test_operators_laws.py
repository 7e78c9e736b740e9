"""Whatever stands in an object of an operator: nothing raises, nothing of a text is told, twice is once."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.review.languages.reading import AUTH, STORE, migrated

CANARY = "zzcanaryzz"
# Names of fields are told, texts never. These may stand anywhere, the canary wherever a text is.
TEXTS = st.sampled_from(
    [
        *("", "vault", "shop/app", "secret/data/x", "../x", "a.b", "x" * 300, "v1", "kv-v2", "true", "1", "0"),
        *(
            f"{CANARY}",
            f"{{{{ .{CANARY} }}}}",
            f'{{{{ "{CANARY}" | b64dec }}}}',
            f"((vault:a/{CANARY}",
            f"vault:a/b#{CANARY} x",
        ),
        *("{{ .user", '{"auths": {"h": {"auth": "{{ .user }}"}}}', "${X}", "é\u200b", "\ud7ff"),
    ]
)
SCALARS = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(-3, 3))
KEYS = st.sampled_from(
    [
        *("secretStoreRef", "name", "kind", "target", "template", "data", "dataFrom", "extract", "find", "rewrite"),
        *("secretKey", "remoteRef", "key", "property", "version", "decodingStrategy", "metadataPolicy", "sourceRef"),
        *("storeRef", "generatorRef", "type", "metadata", "labels", "annotations", "templateFrom", "mergePolicy"),
        *("engineVersion", "creationPolicy", "deletionPolicy", "immutable", "refreshInterval", "refreshPolicy"),
        *("destination", "create", "mount", "path", "vaultAuthRef", "transformation", "includes", "excludes"),
        *("templates", "text", "rolloutRestartTargets", "user", ".dockerconfigjson", "namespace", "finalizers"),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=8,
)


def shaped(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return maps with these members, or some of them, and now and then something else altogether."""
    return st.integers(0, 9).flatmap(lambda n: VALUES if n == 0 else st.fixed_dictionaries({}, optional=parts))


def mostly(usual: Any, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a value that means something, and now and then any other."""
    return st.integers(0, 7).flatmap(lambda n: other if n == 0 else st.just(usual))


REMOTE = st.fixed_dictionaries(
    {"key": mostly("shop/app", TEXTS), "property": mostly("user", TEXTS)},
    optional={"version": mostly("3", SCALARS), "decodingStrategy": mostly("Base64", TEXTS)},
)
STORE_REF = mostly({"name": "vault"}, shaped(name=TEXTS, kind=TEXTS))
TEMPLATE = shaped(
    data=st.dictionaries(KEYS, TEXTS, max_size=3),
    type=TEXTS,
    mergePolicy=st.sampled_from(["Merge", "Replace"]),
    metadata=shaped(labels=st.dictionaries(KEYS, TEXTS, max_size=2), annotations=VALUES),
)
EXTERNAL = st.fixed_dictionaries(
    {
        "secretStoreRef": STORE_REF,
        "data": st.lists(mostly({"secretKey": "user", "remoteRef": {"key": "a", "property": "b"}}, VALUES), max_size=2)
        | st.lists(st.fixed_dictionaries({"secretKey": KEYS, "remoteRef": REMOTE}), max_size=2),
    },
    optional={
        "dataFrom": st.lists(
            mostly({"extract": {"key": "shop/app"}}, shaped(extract=REMOTE, rewrite=VALUES)), max_size=3
        ),
        "target": shaped(name=TEXTS, template=TEMPLATE, immutable=SCALARS, creationPolicy=mostly("Orphan", TEXTS)),
        "refreshInterval": SCALARS,
    },
)
DESTINATION = st.fixed_dictionaries(
    {"name": TEXTS, "create": st.just(value=True)},
    optional={
        "labels": VALUES,
        "type": TEXTS,
        "transformation": shaped(
            templates=st.dictionaries(KEYS, shaped(text=TEXTS), max_size=2), includes=st.lists(TEXTS, max_size=2)
        ),
    },
)
STATIC = st.fixed_dictionaries(
    {"mount": TEXTS, "path": TEXTS, "type": st.sampled_from(["kv-v1", "kv-v2", "x"]), "destination": DESTINATION},
    optional={"vaultAuthRef": st.one_of(st.just("login"), TEXTS), "version": SCALARS, "rolloutRestartTargets": VALUES},
)
METADATA = st.one_of(st.just({"name": "a", "namespace": "shop"}), shaped(name=TEXTS, labels=VALUES, annotations=VALUES))


def told_of(group: str, kind: str, metadata: Any, spec: Any) -> list[str]:
    content = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "spec": spec}
    text = f"{STORE}---\n{AUTH}---\n{yaml.safe_dump(content, allow_unicode=True)}"
    found = migrated(text)
    assert migrated(found.text).text == found.text
    return found.told


@given(METADATA, EXTERNAL)
def test_any_external_secret(metadata: Any, spec: Any) -> None:
    told_of("external-secrets.io", "ExternalSecret", metadata, spec)


@given(METADATA, STATIC)
def test_any_static_secret(metadata: Any, spec: Any) -> None:
    told_of("secrets.hashicorp.com", "VaultStaticSecret", metadata, spec)


@given(st.sampled_from(["SecretStore", "ClusterExternalSecret", "VaultAuth", "VaultConnection"]), METADATA, VALUES)
def test_any_other_object(kind: str, metadata: Any, spec: Any) -> None:
    group = "secrets.hashicorp.com" if kind.startswith("Vault") else "external-secrets.io"
    told_of(group, kind, metadata, spec)


@given(st.lists(TEXTS, min_size=1, max_size=4).map("".join))
def test_no_text_of_a_template_is_told(text: str) -> None:
    data = [{"secretKey": "user", "remoteRef": {"key": "shop/app", "property": "user"}}]
    spec = {"secretStoreRef": {"name": "vault"}, "data": data, "target": {"template": {"data": {"a": text}}}}
    told = told_of("external-secrets.io", "ExternalSecret", {"name": "a", "namespace": "shop"}, spec)
    # What a template names is a key; its texts are not.
    assert CANARY not in " ".join(each for each in told if f"where {CANARY} comes from" not in each)
