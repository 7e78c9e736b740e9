"""What the demo shows, chapter by chapter, on servers that stand ready."""

import json
import textwrap
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from demo import cluster, forgery, rotation, variables
from demo.claims import Claims
from demo.cluster import NAMESPACE
from demo.git import Manifest
from demo.screen import Screen
from demo.shell import Shell
from demo.values import Values
from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.servers.pki import KeyFiles


class Chapters:
    """Each method is a chapter: it shows commands and what they answer, and checks what it claims.

    `good` are the manifests of `examples/base`; with `show` the values in the cluster are not masked.
    """

    def __init__(
        self, bed: Testbed, screen: Screen, claims: Claims, values: Values, good: Sequence[Manifest], *, show: bool
    ) -> None:
        self._bed = bed
        self._screen = screen
        self._shell = Shell(bed, screen)
        self._claims = claims
        self._values = values
        self._good = good
        self._show = show

    def dry_run(self) -> None:
        """Show what a dry run answers, before anything is there."""
        asked = len(self._bed.vault.audit_requests())
        told = self._shell.show_kubectl("apply", "-k", "examples/base", "--dry-run=server", "-o", "json")
        data = {cluster.name(secret): secret.get("data", {}) for secret in json.loads(told)["items"]}
        shown = [
            (entry, cluster.decoded(data.get(entry.secret, {}).get(entry.key, "")))
            for manifest in self._good
            for entry in manifest.entries
        ]
        rows = [(entry.lines, self._unless_leak(_field(entry.key, _without_pem_body(text)))) for entry, text in shown]
        self._screen.side_by_side("Git holds", "the dry run shows", rows)
        found = self._values.found_in("\n".join([told, *(text for _, text in shown)]))
        self._claims.check_empty("The dry run shows no value.", found)
        self._claims.check("Vault was not asked.", holds=len(self._bed.vault.audit_requests()) == asked)
        self._claims.check_empty("Nothing was stored.", map(cluster.name, cluster.secrets(self._shell)))

    def apply(self) -> None:
        """Apply the manifests, twice, and look at what that cost Vault."""
        before = self._vault_reads()
        self._screen.output(self._shell.show_kubectl("apply", "-k", "examples/base"))
        reads = self._vault_reads()[len(before) :]
        paths = [path.replace("/data/", "/", 1) for path in reads]
        self._claims.check(
            f"Vault was read once for each path, {len(paths)} times, for {self._count()} keys.",
            holds=sorted(paths) == sorted(self._values.in_vault),
        )
        versions = self._resource_versions()
        self._screen.say("Once more, as a GitOps controller does all day:")
        self._screen.output(self._shell.show_kubectl("apply", "-k", "examples/base"))
        self._claims.check("No object changed: each has its old version.", holds=versions == self._resource_versions())

    def side_by_side(self) -> None:
        """Show Git and cluster side by side, and compare every key with what was put into Vault."""
        self._screen.say("The command of each line marked ok was run, and its output compared with Vault's value.")
        for manifest in self._good:
            found = {entry.key: cluster.value(self._shell, entry.secret, entry.key) for entry in manifest.entries}
            rows = [
                (entry.lines, self._compared(entry.secret, entry.key, found[entry.key])) for entry in manifest.entries
            ]
            left, right = f"Git: {manifest.file}", f"cluster: secret/{manifest.secret}"
            self._screen.side_by_side(left, right, rows)
            for key, text in found.items():
                command = (
                    f"kubectl get secret {manifest.secret} -n {NAMESPACE} -o '{cluster.jsonpath(key)}' | base64 -d"
                )
                holds = self._values.expected[manifest.secret, key].text == text
                self._claims.check(command if holds else f"{command}: not what Vault holds", holds=holds)

    def rotate(self) -> None:
        """Change a value in Vault, and see the cluster follow."""
        self._values = rotation.rotate(self._screen, self._shell, self._claims, self._values)

    def variables(self) -> None:
        """Show a workload with variables, and that a change reaches those too."""
        self._values = variables.show(self._screen, self._shell, self._claims, self._values)

    def forge(self, webhook: Webhook) -> None:
        """Ask Keyhole as if one were the API server, with everything that others have, and then as the API server."""
        asked = len(self._bed.vault.audit_requests())
        pki = self._bed.directory / "pki"
        admin = KeyFiles(pki / "admin.crt", pki / "admin.key")
        outside = [
            ("a POST to Keyhole, without a client certificate", forgery.ask(webhook)),
            ("a POST to Keyhole, with the certificate of the cluster's administrator", forgery.ask(webhook, admin)),
        ]
        passed_on = forgery.ask_through(self._bed.kubernetes, webhook)
        quiet = len(self._bed.vault.audit_requests()) == asked
        front_proxy = KeyFiles(pki / "front-proxy-client.crt", pki / "front-proxy-client.key")
        itself = forgery.ask(webhook, front_proxy)
        self._screen.say(f"An AdmissionReview with {forgery.REFERENCE}, sent by hand:")
        answers = [
            *outside,
            ("the administrator's POST through the API server, which names the sender", passed_on),
            ("a POST to Keyhole, with the API server's own certificate", itself),
        ]
        self._screen.side_by_side("Sent as", "What comes back", [(how, answer.told) for how, answer in answers])
        let_in = [how for how, answer in outside if answer.status is not None]
        self._claims.check_empty("Without the API server's certificate the connection ends in the handshake.", let_in)
        self._claims.check(
            "Whomever the API server passes on is refused.", holds=passed_on.status == HTTPStatus.UNAUTHORIZED
        )
        found = self._values.found_in("\n".join(answer.text for _, answer in answers[:-1]))
        self._claims.check_empty("None of them gets a value.", found)
        self._claims.check("Vault was not asked for them.", holds=quiet)
        self._claims.check(
            "With the API server's certificate the same review gets the value: only the proof was missing.",
            holds=self._values.found_in(itself.text) == [forgery.FIELD],
        )

    def elsewhere(self, webhook_log: Path) -> None:
        """Search for the values wherever they must not be."""
        for secret in cluster.secrets(self._shell):
            name = cluster.name(secret)
            annotations = secret["metadata"].get("annotations", {})
            applied = annotations.get(cluster.LAST_APPLIED, "")
            self._claims.check(
                f"secret/{name}: last-applied-configuration holds the reference.", holds="vault:secret/" in applied
            )
            found = self._values.found_in(cluster.metadata_text(secret))
            self._claims.check_empty(f"secret/{name}: no value in annotations and managedFields.", found)
        in_place = {manifest.secret for manifest in self._good if manifest.in_place}
        owned = {cluster.name(secret) for secret in cluster.secrets(self._shell) if cluster.data_owners(secret)}
        self._claims.check(
            "Annotation form: no field manager owns anything in data, so no tool sees a difference.",
            holds=owned == in_place,
        )
        for title, file in self._logs(webhook_log):
            self._claims.check_empty(f"{title}: no value.", self._values.found_in(file.read_text(errors="replace")))

    def refuse(self, bad: Sequence[Manifest]) -> None:
        """Apply the bad references and show the answer."""
        code, answer = self._shell.show_failing_kubectl("apply", "-f", "examples/bad")
        self._screen.output(self._unless_leak(_broken_into_lines(answer)))
        self._claims.check("kubectl fails.", holds=code != 0)
        entries = [entry for manifest in bad for entry in manifest.entries]
        unnamed = [f"{entry.secret}/{entry.key}" for entry in entries if f"/{entry.key}:" not in answer]
        self._claims.check_empty("Every bad field is named at once.", unnamed)
        stored = {cluster.name(secret) for secret in cluster.secrets(self._shell)}
        self._claims.check_empty("None of it was stored.", stored & {manifest.secret for manifest in bad})
        self._claims.check_empty("The answer holds no value.", self._values.found_in(answer))

    def _compared(self, secret: str, key: str, found: str) -> str:
        """Return what to show of a field. The mask is made from what is expected: nothing found can slip through."""
        expected = self._values.expected[secret, key]
        if self._show:
            text = found
        elif found == expected.text:
            text = expected.masked
        else:
            text = "(not what Vault holds)"
        return _field(key, text)

    def _unless_leak(self, text: str) -> str:
        """Return a text that must hold no value; one that does is not shown, for the demo is there to notice that."""
        return "(holds a value from Vault)" if self._values.found_in(text) else text

    def _count(self) -> int:
        return sum(len(manifest.entries) for manifest in self._good)

    def _vault_reads(self) -> list[str]:
        """Return the paths below the demo's that Vault's audit log says were read, oldest first."""
        requests = [entry["request"] for entry in self._bed.vault.audit_requests()]
        prefix = f"secret/data/{NAMESPACE}/"
        return [one["path"] for one in requests if one["operation"] == "read" and one["path"].startswith(prefix)]

    def _resource_versions(self) -> dict[str, str]:
        return {cluster.name(secret): secret["metadata"]["resourceVersion"] for secret in cluster.secrets(self._shell)}

    def _logs(self, webhook_log: Path) -> list[tuple[str, Path]]:
        return [
            ("The webhook's log", webhook_log),
            ("The controller's log", webhook_log.with_name("controller.log")),
            ("The API server's log", self._bed.kubernetes.log_file),
            ("The API server's audit log", self._bed.kubernetes.audit_log),
            ("Vault's audit log", self._bed.vault.audit_log),
        ]


def _field(key: str, text: str) -> str:
    """Put a key before its text: in the same line, or above where the text has several."""
    return f"{key}: {text}" if "\n" not in text.strip() else f"{key}: |\n{textwrap.indent(text.rstrip(), '  ')}"


def _without_pem_body(text: str) -> str:
    first, _, _ = text.partition("\n")
    return f"{first} …" if first.startswith("-----BEGIN") else text


def _broken_into_lines(answer: str) -> str:
    """Break kubectl's long lines behind its own words, and where the webhook's message names the next field."""
    return answer.replace("denied the request: ", "denied the request:\n  ").replace(
        "; annotation ", ";\n  annotation "
    )
