import json
from dataclasses import replace

import pytest

from manifests.provenance.key_status import (
    DROP_OLD,
    ROTATE,
    KeyStatus,
    Problem,
    Progress,
    Rotation,
    Step,
    drop_of,
    parse,
    request_of,
)
from manifests.provenance.keyring import KeyRing, new_key

PROBLEMS = (Problem("shop", "the API server refused a token of shop/keyhole-reconciler (status 404)"),)
PROGRESS = Progress(7, 3, 40, 2, 1, 1, PROBLEMS, ("shop/one", "shop/two"))


@pytest.mark.parametrize("step", Step)
def test_what_is_dumped_parses_to_the_same(step: Step) -> None:
    status = KeyStatus("01234567", ("01234567", "89abcdef"), Rotation("request", "01234567", step, PROGRESS))
    assert parse(status.dump()) == status
    assert parse(KeyStatus("01234567", ("01234567",)).dump()) == KeyStatus("01234567", ("01234567",))


def test_a_rotation_that_ended_with_records_left_says_so() -> None:
    rotation = Rotation("request", "01234567", Step.DONE, PROGRESS, has_dropped=True)
    assert parse(KeyStatus("01234567", ("01234567",), rotation).dump()) == KeyStatus(
        "01234567", ("01234567",), rotation
    )


def test_what_an_earlier_version_wrote_and_what_a_later_one_adds_is_read() -> None:
    document = json.loads(GOOD)
    del document["rotation"]["has_dropped"], document["rotation"]["progress"]["left_names"]
    document["rotation"]["progress"]["added"] = ["later"]
    document["rotation"]["added"] = document["added"] = {}
    found = parse(json.dumps(document))
    assert found is not None
    assert found.rotation == Rotation("r", "01234567", Step.DONE, replace(PROGRESS, left_names=()))


def test_a_status_tells_ids_and_no_key() -> None:
    keys = [new_key() for _ in range(2)]
    status = KeyStatus.of(KeyRing(keys[0], {key.id: key for key in keys}))
    assert (status.signing, set(status.accepted)) == (keys[0].id, {key.id for key in keys})
    assert set(json.loads(status.dump())) == {"v", "signing", "accepted", "rotation"}


GOOD = KeyStatus("01234567", ("01234567",), Rotation("r", "01234567", Step.DONE, PROGRESS)).dump()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="no annotation"),
        pytest.param("", id="an empty one"),
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="a list"),
        pytest.param("[" * 100_000, id="a pit"),
        pytest.param('{"v":1}', id="nothing in it"),
        pytest.param(GOOD.replace('"v":1', '"v":2'), id="another version"),
        pytest.param(GOOD.replace('"done"', '"gone"'), id="an unknown step"),
        pytest.param(GOOD.replace('"left":2', '"left":"many"'), id="a count that is none"),
        pytest.param(GOOD.replace('"left":2', '"lost":2'), id="an unknown count"),
    ],
)
def test_what_the_controller_did_not_write_is_no_status(text: str | None) -> None:
    assert parse(GOOD) is not None
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "request_id"),
    [
        pytest.param(None, None, id="no request"),
        pytest.param("", None, id="an empty one"),
        pytest.param("2026-08-01.a_B", "2026-08-01.a_B", id="a date"),
        pytest.param("a\n2026 CRITICAL \x1b[31m", "a_2026_CRITICAL___31m", id="what would forge a line of the log"),
        pytest.param("x" * 1000, "x" * 64, id="a long one"),
    ],
)
def test_a_request_is_read_so_that_it_can_be_shown(text: str | None, request_id: str | None) -> None:
    assert request_of({} if text is None else {ROTATE: text}) == request_id
    assert drop_of({} if text is None else {DROP_OLD: text}) == request_id


def test_records_that_are_left_are_named_up_to_a_bound_and_counted() -> None:
    progress = Progress()
    for _ in range(3):
        progress = progress.with_left(70, [f"shop/n{number}" for number in range(70)])
    assert (len(progress.left_names), progress.left) == (100, 210)


def test_problems_are_bounded_and_counted() -> None:
    progress = Progress().with_problems({f"n{number:04}": "cause" for number in range(1000)})
    assert (len(progress.problems), progress.problems_total) == (20, 1000)
    assert progress.problems[0] == Problem("n0000", "cause")
