"""What `/metrics` says, as Prometheus reads it."""

from collections.abc import Callable

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.processes import eventually

_SECONDS = 120.0


def scrape(health_url: str) -> bytes:
    """Return the text of one scrape."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{health_url}/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.content


class Scraped:
    """One scrape, taken apart."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._samples = [
            sample for family in text_string_to_metric_families(text.decode()) for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a sample's series that have these labels; 0 when there are none."""
        return sum(
            sample.value for sample in self._samples if sample.name == name and labels.items() <= sample.labels.items()
        )

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Return those sums by the values of one label."""
        values = {sample.labels[label] for sample in self._samples if sample.name == name and label in sample.labels}
        sums = {value: self.total(name, **{**labels, label: value}) for value in sorted(values)}
        return {value: total for value, total in sums.items() if total}

    def counts(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Return every sample that may never fall."""
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for sample in self._samples
            if sample.name.endswith(("_total", "_count", "_sum", "_bucket"))
        }


def settled(
    health_url: str, condition: Callable[[Scraped], bool], what: str, timeout_seconds: float = _SECONDS
) -> Scraped:
    """Scrape until the condition holds, for an answer may be a second old; return that scrape."""
    found: list[Scraped] = []

    def holds() -> bool:
        found[:] = [Scraped(scrape(health_url))]
        return condition(found[0])

    eventually(holds, what, timeout_seconds)
    return found[0]
