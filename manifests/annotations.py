"""The annotations and labels that mean something to Keyhole."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DOMAIN: Final = "keyhole.dev"
DATA_PREFIX: Final = f"data.{DOMAIN}/"
ENV_DOMAIN: Final = f"env.{DOMAIN}/"
FIELDS: Final = f"{DOMAIN}/fields"
IGNORE: Final = f"{DOMAIN}/ignore"
RECORD: Final = f"{DOMAIN}/record"
REFRESH: Final = f"{DOMAIN}/refresh"
MANAGED: Final = f"{DOMAIN}/managed"
FOLLOW: Final = f"{DOMAIN}/follow"
RESTART: Final = f"{DOMAIN}/restart"
ROLLED: Final = f"{DOMAIN}/rolled"
PROBLEM: Final = f"{DOMAIN}/problem"
FROM: Final = f"{DOMAIN}/from"
ENV: Final = f"{DOMAIN}/env"
ENV_FROM: Final = f"{DOMAIN}/env-from"
ENV_SECRET: Final = f"{DOMAIN}/env-secret"

# Labels: of pod templates that use variables, of namespaces that may, and of the Secrets behind them.
USES_VARIABLES: Final = f"{DOMAIN}/env"
VARIABLES: Final = f"{DOMAIN}/variables"
GENERATED: Final = f"{DOMAIN}/generated"

# Keyhole writes these, or reads them.
_KNOWN: Final = frozenset(
    {
        *(FIELDS, FROM, IGNORE, RECORD, REFRESH, MANAGED, FOLLOW, RESTART, ROLLED, PROBLEM, f"{DOMAIN}/enabled"),
        *(ENV, ENV_FROM, ENV_SECRET),
    }
)
_OURS: Final = re.compile(rf"(?:[^/]*\.)?{re.escape(DOMAIN)}/")


@dataclass(frozen=True, slots=True)
class Ignored:
    """The keys whose values `keyhole.dev/ignore` protects from being read as references."""

    everything: bool = False
    keys: frozenset[str] = frozenset()

    def __contains__(self, key: str) -> bool:
        return self.everything or key in self.keys


def ignored(annotations: Mapping[str, str]) -> Ignored:
    """Read `keyhole.dev/ignore`: "true", or a comma-separated list of keys. "false" and "" ignore nothing."""
    text = annotations.get(IGNORE, "").strip()
    if text in {"", "false"}:
        return Ignored()
    if text == "true":
        return Ignored(everything=True)
    return Ignored(keys=frozenset(key.strip() for key in text.split(",")))


def fill_fields(notes: Mapping[str, str]) -> bool:
    """Whether annotations, of whatever kind of object, have one that Keyhole fills fields from."""
    return any(name in {FIELDS, FROM} or name.startswith(DATA_PREFIX) for name in notes)


def is_ours(name: str) -> bool:
    """Whether an annotation is in Keyhole's domain, whether it means something or not."""
    return _OURS.match(name) is not None


def unknown(annotations: Mapping[str, str]) -> list[str]:
    """Return the annotations in Keyhole's domain that mean nothing to it. Most likely they are misspelt."""
    return sorted(
        name
        for name in annotations
        if _OURS.match(name) and name not in _KNOWN and not name.startswith(DATA_PREFIX) and not is_environment(name)
    )


def is_environment(name: str) -> bool:
    """Whether an annotation asks for a variable: `env.keyhole.dev/NAME` or `CONTAINER.env.keyhole.dev/NAME`."""
    domain, _, _ = name.partition("/")
    return f"{domain}/" == ENV_DOMAIN or f"{domain}/".endswith(f".{ENV_DOMAIN}")


def asks_for_variables(name: str) -> bool:
    """Whether an annotation asks for variables, one or several."""
    return name in {ENV, ENV_FROM} or is_environment(name)
