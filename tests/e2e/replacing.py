"""Workers that are killed, and those that take their places."""

import os
import signal

import requests

from testbed.keyhole.installation import Webhook
from tests.e2e.processes import eventually, workers
from tests.e2e.scraped import Scraped, scrape


def started(webhook: Webhook) -> float:
    """Return how many workers have built what they serve with; 0 while nobody tells."""
    try:
        return Scraped(scrape(webhook.health_url)).total("keyhole_worker_starts_total")
    except requests.RequestException:
        return 0.0


def kill(webhook: Webhook, victim: int) -> int:
    """Kill a worker, wait for the process in its place, and return that one's id."""
    others = workers(webhook) - {victim}
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(workers(webhook) - others - {victim}) == 1, "there is another worker")
    (successor,) = workers(webhook) - others - {victim}
    return successor


def replace(webhook: Webhook, victim: int) -> int:
    """Kill a worker, wait until the one in its place has built what it serves with, and return that one's id."""
    before = started(webhook)
    successor = kill(webhook, victim)
    eventually(lambda: started(webhook) > before, "the new worker has begun")
    return successor
