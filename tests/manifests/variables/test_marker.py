import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.variables.marker import Marker, dump, parse

NAMES = st.from_regex(r"\A([a-z0-9]{1,9}-)?keyhole-[0-9a-f]{12}\Z")
MARKERS = st.builds(
    Marker,
    workload=st.sampled_from(["", "apps/Deployment/web", "/Pod/web"]),
    secret=NAMES,
    whole=st.just("") | NAMES,
    in_place=st.lists(st.text()).map(tuple),
)


@given(MARKERS)
def test_a_marker_is_read_as_it_is_written(marker: Marker) -> None:
    assert parse(dump(marker)) == marker


def test_its_form_is_frozen() -> None:
    assert dump(Marker("apps/Deployment/web", "web-keyhole-0123456789ab")) == (
        '{"for":"apps/Deployment/web","secret":"web-keyhole-0123456789ab"}'
    )
    assert dump(Marker("", "keyhole-0123456789ab", "keyhole-ba9876543210", ("A", "web/B"))) == (
        '{"for":"","in-place":["A","web/B"],"secret":"keyhole-0123456789ab","whole":"keyhole-ba9876543210"}'
    )
    assert dump(Marker("/Pod/web", whole="web-keyhole-0123456789ab")) == (
        '{"for":"/Pod/web","whole":"web-keyhole-0123456789ab"}'
    )


GOOD = {"for": "apps/Deployment/web", "secret": "web-keyhole-0123456789ab"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="not JSON"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param("[]", id="a list"),
        pytest.param(json.dumps({"secret": GOOD["secret"]}), id="nobody's"),
        pytest.param(json.dumps({"for": ""}), id="without a Secret"),
        pytest.param(json.dumps({**GOOD, "more": ""}), id="more than we write"),
        pytest.param(json.dumps({**GOOD, "secret": 7}), id="a number"),
        pytest.param(json.dumps({**GOOD, "in-place": "A"}), id="a text for a list"),
        pytest.param(json.dumps({**GOOD, "in-place": [7]}), id="a list of numbers"),
        pytest.param(json.dumps({**GOOD, "secret": "database"}), id="a Secret of another form"),
        pytest.param(json.dumps({**GOOD, "whole": "database"}), id="a whole Secret of another form"),
        pytest.param(json.dumps({**GOOD, "secret": "../keyhole-0123456789ab"}), id="a Secret in another folder"),
        pytest.param(json.dumps({**GOOD, "for": "apps/Deployment/../web"}), id="a workload that cannot be"),
        pytest.param(json.dumps(GOOD) + " " * 300_000, id="longer than annotations are"),
    ],
)
def test_what_is_no_marker(text: str) -> None:
    assert parse(text) is None
