"""What the servers heard of the Enforcer, in their own audit logs."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testbed.keyhole.identities import ENFORCER_USER
from tests.e2e.traffic import Traffic

_AS_TENANTS = (":keyhole", ":keyhole-reconciler")
_REPORTS = {"reports", "clusterreports", "policyreports", "clusterpolicyreports"}
_TOKENS = ("serviceaccounts", "token")
_READING = {"get", "list"}


class Heard:
    """What was asked by the Enforcer's account and by those of tenants since it was made; the controller is off."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def requests(self) -> Sequence[Mapping[str, Any]]:
        """Return the API server's entries."""
        return [each for each in self._traffic.kubernetes_entries() if _is_ours(each["user"]["username"])]

    def rights(self) -> set[tuple[str, str, str]]:
        """Return group, resource and verb of each right that the Enforcer's own account used.

        What everybody may ask about themselves is none.
        """
        about = [(each["objectRef"], each["verb"]) for each in self.requests() if _is_itself(each)]
        return {
            (one.get("apiGroup", ""), "/".join(filter(None, (one["resource"], one.get("subresource", "")))), verb)
            for one, verb in about
        }

    def writes(self) -> Sequence[str]:
        """Return verb and URI of whatever may have changed anything, but for tokens and reports."""
        return [f"{each['verb']} {each['requestURI']}" for each in self.requests() if not _changes_nothing(each)]

    def bodies_with_data(self) -> Sequence[str]:
        """Return the URIs whose answer, which is logged whole for Secrets, has `data` of an object."""
        return [each["requestURI"] for each in self.requests() if any(_with_data(each.get("responseObject")))]

    def dry_runs(self) -> Sequence[Mapping[str, Any]]:
        """Return the entries of dry runs."""
        return [each for each in self.requests() if "dryRun=All" in each["requestURI"]]

    def dry_runs_at_once(self) -> int:
        """Return how many dry runs the API server had at once at most."""
        began = [(_time(each["requestReceivedTimestamp"]), 1) for each in self.dry_runs()]
        ended = [(_time(each["stageTimestamp"]), -1) for each in self.dry_runs()]
        most = running = 0
        for _, change in sorted([*began, *ended]):
            running += change
            most = max(most, running)
        return most

    def vault_questions(self) -> Counter[tuple[str, str]]:
        """Return how often each identity asked Vault for each path, logins and tokens given back left out."""
        asked = Counter[tuple[str, str]]()
        for entry in self._traffic.vault_entries():
            path = entry["request"]["path"]
            if "/login" not in path and not path.startswith("auth/token/"):
                asked[entry.get("auth", {}).get("display_name", ""), path] += 1
        return asked


def _is_ours(user: str) -> bool:
    return user == ENFORCER_USER or (user.startswith("system:serviceaccount:") and user.endswith(_AS_TENANTS))


def _is_itself(entry: Mapping[str, Any]) -> bool:
    resource = entry.get("objectRef", {}).get("resource", "")
    return bool(entry["user"]["username"] == ENFORCER_USER and resource and not resource.startswith("selfsubject"))


def _changes_nothing(entry: Mapping[str, Any]) -> bool:
    about = entry.get("objectRef", {})
    is_token = (about.get("resource"), about.get("subresource")) == _TOKENS
    is_review = about.get("resource", "").endswith("reviews")
    is_dry = "dryRun=All" in entry["requestURI"]
    return entry["verb"] in _READING or is_token or is_review or is_dry or about.get("resource") in _REPORTS


def _with_data(answer: Any) -> Iterator[bool]:
    """Say of each object of an answer whether it has content."""
    if isinstance(answer, dict):
        yield bool({"data", "stringData", "binaryData"} & answer.keys())
        for item in answer.get("items") or ():
            yield from _with_data(item)


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
