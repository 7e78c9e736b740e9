import base64
import json
import re
from collections.abc import Sequence

from hypothesis import assume, given, reject
from hypothesis import strategies as st

from manifests.fields.docker_config import DockerConfigError, docker_config
from manifests.kinds.secret_search import DOCKER_CONFIG_SEARCHED_CHARACTERS, may_refer
from manifests.registration.match_conditions import annotation_conditions, in_place_conditions
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import has_reference
from tests.manifests.secrets import encoded

openers = st.sampled_from(
    ["vault:", "vault+eu:", "((vault:", "${vault:", "((vault+eu:", "${vault+eu:", "vault", "((", "${", ":vault:"]
)
texts = st.lists(st.one_of(openers, st.text(max_size=8)), max_size=4).map("".join)


def searched(expression: str) -> list[str]:
    return re.findall(r"value\.contains\('([^']+)'\)", expression)


def ranges(expression: str) -> list[tuple[str, str]]:
    return re.findall(r"\(value >= '([^']+)' && value < '([^']+)'\)", expression)


def holds(expression: str, value: str) -> bool:
    """Evaluate what `may_refer` wrote, which consists of nothing but these."""
    found = any(needle in value for needle in searched(expression))
    return found or any(low <= value < high for low, high in ranges(expression))


def docker_needles() -> list[str]:
    (listed,) = re.findall(r"\[([^]]*)\]\.exists\(needle", expressions(in_place_conditions())["refers-in-place"])
    return [needle.strip(" '") for needle in listed.split(",")]


def expressions(conditions: Sequence[object]) -> dict[str, str]:
    return {condition["name"]: condition["expression"] for condition in conditions}  # type: ignore[index]


MAY_REFER = may_refer("value")
DOCKER_NEEDLES = docker_needles()


def test_a_value_costs_six_searches() -> None:
    assert len(searched(MAY_REFER)) == 6
    # A longer one costs two.
    assert all(len(needle) <= 10 for needle in searched(MAY_REFER))
    rest = re.sub(r"value\.contains\('\w+'\)|\(value >= '\w+' && value < '\w+'\)", "", MAY_REFER)
    assert set(rest) == {" ", "|"}


@given(texts)
def test_no_text_with_a_reference_goes_unseen(text: str) -> None:
    assume(has_reference(text))
    assert holds(MAY_REFER, encoded(text))


@given(user=texts, secret=texts, member=st.sampled_from(["username", "password", "auth", "identitytoken", "email"]))
def test_no_docker_configuration_with_a_reference_goes_unseen(user: str, secret: str, member: str) -> None:
    credential = base64.b64encode(f"{user}:{secret}".encode()).decode() if member == "auth" else secret
    document = json.dumps({"auths": {"registry.example": {member: credential}}})
    try:
        assume(docker_config(document) is not None)
    except ReferenceSyntaxError:
        pass  # It is to be refused, and so must be seen.
    except DockerConfigError:
        # The first colon of `auth` ends the username: a user named vault, most likely.
        reject()
    value = encoded(document)
    assert holds(MAY_REFER, value) or any(needle in value for needle in DOCKER_NEEDLES)


def test_needles_in_a_docker_configuration_survive_every_way_of_writing_json() -> None:
    assert all(needle.isalnum() for needle in DOCKER_NEEDLES)


def test_a_docker_configuration_that_is_searched_fits_beside_a_full_secret() -> None:
    full = 6 * (1024 * 1024 * 4 // 3) // 10
    searches = sum(1 if len(needle) <= 10 else 2 for needle in DOCKER_NEEDLES)
    assert full + searches * DOCKER_CONFIG_SEARCHED_CHARACTERS // 10 < 900_000


def test_no_object_is_sent_twice() -> None:
    annotated = expressions(annotation_conditions())["annotated"]
    assert expressions(in_place_conditions())["not-annotated"] == f"!({annotated})"
