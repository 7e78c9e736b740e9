from metrics.meters import STATUSES, status_word
from resolver.vault.client import UNANSWERED


def test_statuses_are_a_closed_set() -> None:
    assert set(UNANSWERED.values()) < STATUSES
    assert [status_word(status) for status in ("200", "473", "late", "299", "999")] == [
        "200",
        "473",
        "late",
        *["other"] * 2,
    ]
