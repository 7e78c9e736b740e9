"""The files of the charts that follow from the code, so that nothing of it is said twice.

| file | made from |
|---|---|
| `keyhole/files/admission.json` | `manifests.registration`, by `charts.admission` |
| `keyhole/files/alerts.yaml` | `metrics.alerts`, by `metrics.alerting.rules` |
| `keyhole/files/boards/*.json`, and `perses/*.json` there | `metrics.boards`, by `charts.boards` |
| `keyhole/values.schema.json`, what it says of connections | `resolver.connections.schema` |
| `values.schema.json` of both charts, what they say of `kinds` | `manifests.kinds.listed_schema` |
| `keyhole-tenant/templates/tenant.yaml` | `provisioning.bundle`, `provisioning.account_guard` |
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from charts.admission import admission
from charts.boards import grafana, perses
from manifests.kinds import listed_schema
from metrics.alerting.rules import groups
from metrics.boards.every import BOARDS
from provisioning import account_guard, bundle, reconciler_rules
from resolver.connections import schema as connections_schema

FOLDER = Path(__file__).resolve().parent
# What the template puts the values of the installation in for.
NAMESPACE = "RELEASE-NAMESPACE"
RUNBOOK = "RUNBOOK-ADDRESS"
GRAFANA = "GRAFANA-ADDRESS"
PAGE = "PAGE-ADDRESS"
_ADMISSION = "keyhole/files/admission.json"
_ALERTS = "keyhole/files/alerts.yaml"
_BOARDS = "keyhole/files/boards"
_SCHEMA = "keyhole/values.schema.json"
_TENANT_SCHEMA = "keyhole-tenant/values.schema.json"
_TENANT = "keyhole-tenant/templates/tenant.yaml"
# The plural of a listed kind, which a ConfigMap need not give.
_RESOURCE = '{{ .resource | default "configmaps" | quote }}'


def files(folder: Path = FOLDER) -> Mapping[str, str]:
    """Return the text of each file, by its path below the folder of the charts, which holds the schema as it is."""
    return {
        _ADMISSION: _json(admission()),
        _ALERTS: yaml.safe_dump(groups(RUNBOOK, NAMESPACE, grafana=GRAFANA, page=PAGE), sort_keys=False, width=10_000),
        _SCHEMA: _json(_with_kinds(_with_connections(json.loads((folder / _SCHEMA).read_text())))),
        _TENANT_SCHEMA: _json(_with_kinds(json.loads((folder / _TENANT_SCHEMA).read_text()))),
        _TENANT: _tenant(),
        **{f"{_BOARDS}/{board.uid}.json": grafana.render(board) for board in BOARDS},
        **{f"{_BOARDS}/perses/{board.uid}.json": perses.render(board) for board in BOARDS},
    }


def _with_kinds(schema: dict[str, Any]) -> Mapping[str, Any]:
    """Return the schema of the values with the list of kinds, which is the same in both charts."""
    schema["$defs"].pop("Kind", None)
    schema["properties"]["kinds"] = listed_schema.entries()
    return schema


def _with_connections(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the values with the connections as their own schema has them.

    Every Helm knows draft 7 of JSON Schema, and the latest 2020-12; what is used here is the same in both.
    """
    connections = json.loads(connections_schema.text())
    schema["$defs"] = {**schema["$defs"], **connections["$defs"]}
    # If there are none at all, the templates say so in words.
    known = {key: part for key, part in connections["properties"]["connections"].items() if key != "minProperties"}
    schema["properties"]["connections"] = known
    return schema


def _tenant() -> str:
    name, scalar = "{{ . }}", "{{ . | quote }}"
    webhook, controller = _account("webhookServiceAccount"), _account("controllerServiceAccount")
    labels = _when("variables", reconciler_rules.LABEL)
    further = _when("restarts", reconciler_rules.RESTARTS) + _when("variables", reconciler_rules.VARIABLES)
    rule = reconciler_rules.kind_rule('{{ .group | default "" | quote }}', _RESOURCE)
    further += _when("kinds", f"{reconciler_rules.KINDS_REASON}{{{{- range $.Values.kinds }}}}\n{rule}{{{{- end }}}}\n")
    namespace, *others = bundle.template(
        name, scalar, webhook=webhook, controller=controller, labels=labels, further=further
    )
    enforcer = _account("enforcerServiceAccount")
    guard = account_guard.template(
        name,
        scalar,
        account_guard.Accounts(webhook, controller),
        _when("enforcer", account_guard.enforcer_variable(enforcer)),
        _when("enforcer", account_guard.MAY),
    )
    # A release that is uninstalled must not take a namespace, and all that is in it, along.
    kept = (
        f"{namespace}  annotations:\n    helm.sh/resource-policy: keep\n"
        "    # The same for Argo CD.\n    argocd.argoproj.io/sync-options: Delete=false,Prune=false\n"
    )
    return (
        "{{- /* Made by `make charts` from what `keyhole tenant` prints. */}}\n"
        '{{- include "keyhole-tenant.checks" . }}\n'
        "{{- range .Values.namespaces }}\n"
        f"{{{{- if $.Values.createNamespaces }}}}\n---\n{kept}{{{{- end }}}}\n"
        + "".join(f"---\n{document}" for document in others)
        + _when("enforcer", f"---\n{bundle.enforcer_role(scalar, enforcer)}")
        + f"{{{{- if $.Values.guardAccounts }}}}\n---\n{guard}{{{{- end }}}}\n"
        + "{{- end }}\n"
    )


def _when(value: str, text: str) -> str:
    """Return a template that has lines of text where a value of the chart is set."""
    return f"{{{{- if $.Values.{value} }}}}\n{text}{{{{- end }}}}\n"


def _account(value: str) -> tuple[str, str]:
    return f"{{{{ $.Values.{value}.namespace | quote }}}}", f"{{{{ $.Values.{value}.name | quote }}}}"


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
