"""How often the API server asked webhooks, by its own count."""

import re

from testbed import Testbed

_COUNT = re.compile(r'apiserver_admission_webhook_request_total\{[^}]*name="([^"]+)"[^}]*\} (\d+)')


def times_asked(bed: Testbed, name: str = "keyhole.dev") -> int:
    """Return how often webhooks whose name ends with `name` were asked since the API server began."""
    text = bed.kubernetes.request("GET", "/metrics").text
    return sum(int(count) for webhook, count in _COUNT.findall(text) if webhook.endswith(name))
