"""What was created in a cell goes after it, outside of what is timed."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import requests

from bench.errors import BenchError
from testbed import Testbed
from testbed.load.objects import CREATED

_TRIES = 12
_SETTLE_SECONDS = 0.3


SECRETS = "/api/v1/namespaces/{}/secrets"


def clear(bed: Testbed, namespaces: Sequence[str], collection: str = SECRETS) -> None:
    """Delete what was created in the namespaces, and let the servers come to rest.

    `collection` is the path of the objects, with `{}` for the namespace. Raises BenchError when it cannot be deleted.
    """
    with ThreadPoolExecutor(len(namespaces)) as pool:
        list(pool.map(partial(_clear, bed, collection), namespaces))
    time.sleep(_SETTLE_SECONDS)


def _clear(bed: Testbed, collection: str, namespace: str) -> None:
    path = f"{collection.format(namespace)}?labelSelector={CREATED}"
    for _ in range(_TRIES):
        try:
            answer = bed.kubernetes.request("DELETE", path)
        except requests.Timeout:
            continue  # it deletes on, and what is left is for the next try
        if answer.ok:
            return
    raise BenchError(f"what was created in {namespace} cannot be deleted")
