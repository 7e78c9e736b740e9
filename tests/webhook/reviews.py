"""AdmissionReviews as the API server sends them."""

import json
from collections.abc import Mapping
from typing import Any

from webhook.http.admission_review import parse
from webhook.model import AdmissionRequest

UID = "3b5a4b9e-0000-4000-8000-000000000001"


def review(manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, **request: Any) -> dict[str, Any]:
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": "", "version": "v1", "kind": "Secret"},
            "resource": {"group": "", "version": "v1", "resource": "secrets"},
            "namespace": "team-a",
            "name": "app",
            "operation": "CREATE" if old is None else "UPDATE",
            "userInfo": {"username": "dev"},
            "object": manifest,
            "oldObject": old,
            "dryRun": False,
            **request,
        },
    }


def parsed(manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, **request: Any) -> AdmissionRequest:
    return parse(json.dumps(review(manifest, old, **request)).encode())
