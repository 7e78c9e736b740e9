"""Which values Vault confirmed lately."""

from webhook.admission.execute import Freshness


def test_a_value_is_fresh_for_as_long_as_is_asked() -> None:
    now = [0.0]
    freshness = Freshness(lambda: now[0])
    assert not freshness.is_fresh("a", 10)
    freshness.confirm("a")
    now[0] = 9.9
    assert freshness.is_fresh("a", 10)
    assert not freshness.is_fresh("a", 5)
    assert not freshness.is_fresh("a", 0)
    now[0] = 10
    assert not freshness.is_fresh("a", 10)
    freshness.confirm("a")
    assert freshness.is_fresh("a", 10)


def test_another_key_makes_a_value_no_younger() -> None:
    now = [0.0]
    freshness = Freshness(lambda: now[0])
    freshness.confirm("a")
    now[0] = 9.0
    freshness.carry_over("a", "b")
    freshness.carry_over("unknown", "c")
    assert freshness.is_fresh("b", 10)
    assert not freshness.is_fresh("c", 10)
    now[0] = 11.0
    assert not freshness.is_fresh("b", 10)


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    freshness = Freshness(lambda: 0.0)
    for number in range(20_001):
        freshness.confirm(str(number))
    assert not freshness.is_fresh("0", 10)
    assert freshness.is_fresh("1", 10)
    assert freshness.is_fresh("20000", 10)
