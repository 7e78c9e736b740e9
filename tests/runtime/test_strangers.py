"""Who gets a place while nothing is known of a connection, and who loses one."""

from runtime.strangers import Strangers


def test_there_is_a_place_for_each_until_there_are_too_many() -> None:
    strangers: Strangers[int] = Strangers(3)
    assert [strangers.admit(number, "a") for number in range(5)] == [None, None, None, 0, 1]
    assert [number for number in range(5) if number in strangers] == [2, 3, 4]


def test_the_address_that_holds_the_most_makes_room() -> None:
    strangers: Strangers[str] = Strangers(3)
    for name, address in (("apiserver", "b"), ("first", "a"), ("second", "a")):
        strangers.admit(name, address)
    assert strangers.admit("third", "a") == "first"
    assert strangers.admit("probe", "c") == "second"
    # One each: the oldest goes.
    assert strangers.admit("last", "d") == "apiserver"


def test_who_was_forgotten_leaves_a_place() -> None:
    strangers: Strangers[str] = Strangers(1)
    strangers.admit("first", "a")
    strangers.forget("first")
    strangers.forget("never came")
    assert strangers.admit("second", "a") is None
    assert len(strangers) == 1
