from manifests.registration.match_conditions import NOT_BEING_DELETED
from manifests.registration.webhook_configuration import (
    VARIABLES_ENTRY,
    VARIABLES_IN_PLACE_ENTRY,
    aggregated_webhook_configuration,
)
from manifests.registration.workload_conditions import notes, template, variables_in_place_conditions
from manifests.variables.templates import WORKLOADS


def test_without_variables_no_workload_is_sent() -> None:
    entries = aggregated_webhook_configuration()["webhooks"]
    assert {resource for entry in entries for rule in entry["rules"] for resource in rule["resources"]} == {"secrets"}


def test_with_them_annotations_count_everywhere_and_references_in_place_where_the_namespace_opted_in() -> None:
    *of_secrets, annotated, in_place = aggregated_webhook_configuration(variables=True)["webhooks"]
    assert of_secrets == aggregated_webhook_configuration()["webhooks"]
    assert (annotated["name"], in_place["name"]) == (VARIABLES_ENTRY, VARIABLES_IN_PLACE_ENTRY)
    assert annotated["rules"] == in_place["rules"]
    assert [rule["resources"] for rule in annotated["rules"]] == [[workload.resource] for workload in WORKLOADS]
    assert "matchLabels" not in annotated["namespaceSelector"]
    assert in_place["namespaceSelector"] == {
        **annotated["namespaceSelector"],
        "matchLabels": {"keyhole.dev/enabled": "true", "keyhole.dev/variables": "true"},
    }


def test_the_template_stands_where_the_kind_has_it() -> None:
    assert template("object") == (
        "(request.kind.kind == 'Pod' ? object :"
        " (request.kind.kind == 'CronJob' ? object.spec.jobTemplate.spec.template : object.spec.template))"
    )
    assert notes("object").endswith(".?metadata.?annotations.orValue({})")


def test_what_is_being_deleted_is_left_alone() -> None:
    assert variables_in_place_conditions()[0] == NOT_BEING_DELETED
