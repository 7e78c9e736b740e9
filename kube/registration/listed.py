"""Whole objects of the few that register Keyhole or are Keyhole: webhook configurations, policies, its own pods.

Source: Kubernetes, *API Concepts*, "Retrieving large results sets in chunks".
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from kubernetes import client

from kube.client import ask
from kube.documents import Document, entries, part, text
from kube.errors import KubernetesUnavailable

MOST_IN_A_PAGE: Final = 50


def listed(
    api: client.ApiClient, path: str, timeout_seconds: float, go_on: Callable[[], None], label_selector: str = ""
) -> Iterator[Document]:
    """Yield the objects of a resource, as the API server has them. The limit is for each page.

    `path` is that of the list, such as `/apis/apiregistration.k8s.io/v1/apiservices`.

    `go_on` is called before each page is asked for; what it raises ends the list. Raises what `kube.client.ask` does.
    """
    position = ""
    while True:
        go_on()
        wish = {"limit": str(MOST_IN_A_PAGE), "continue": position, "labelSelector": label_selector}
        query = [(name, value) for name, value in wish.items() if value]
        page = ask(f"listing {path.rpartition('/')[2]}", lambda: _page(api, path, query, timeout_seconds))  # noqa: B023 - called at once
        # Anything else, such as a proxy's page, must not be taken for an empty list.
        if not text(page, "kind").endswith("List"):
            raise KubernetesUnavailable("sent something else than a list")
        yield from entries(page, "items")
        position = text(part(page, "metadata"), "continue")
        if not position:
            return


def _page(api: client.ApiClient, path: str, query: list[tuple[str, str]], timeout_seconds: float) -> Any:
    request = api.param_serialize(
        "GET",
        path,
        query_params=query,
        header_params={"Accept": "application/json"},
        auth_settings=["BearerToken"],
    )
    answer: Any = api.call_api(*request, _request_timeout=timeout_seconds)
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - the successes of HTTP
        answer.read()
        raise client.ApiException(status=answer.status)
    return answer.response
