"""`--caller-auth=token` with an API server that was configured to send one, and everybody else."""

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook, serving
from testbed.keyhole.registration import registered
from testbed.servers.pki import write_private
from tests.e2e.callers.conftest import Proofs
from tests.e2e.callers.intruder import DEAD, Forgery, Intruder
from tests.e2e.cluster import Cluster
from tests.e2e.objects import filled
from tests.e2e.places import Places


@pytest.fixture(scope="module")
def next_token(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a token that is accepted already, and that the API server does not send yet."""
    return secrets.token_urlsafe(32)


@pytest.fixture(scope="module")
def webhook(  # noqa: PLR0917 - pytest passes one for each fixture
    bed: Testbed,
    places: Places,
    proofs: Proofs,
    next_token: str,
    connections_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Webhook]:
    directory = tmp_path_factory.mktemp("token")
    places.watch(directory / "keyhole.log")
    other_file = write_private(directory / "next-token", f"{next_token}\n".encode())
    files = ("--caller-token-file", str(other_file), "--caller-token-file", str(proofs.token_file))
    caller = ("--caller-auth", "token", *files)
    port = proofs.token_port
    with serving(bed, directory, connections_file, caller=caller, port=port) as webhook, registered(bed, webhook):
        yield webhook


@pytest.fixture
def intruder(webhook: Webhook, forgery: Forgery) -> Intruder:
    return Intruder(webhook, forgery)


def test_an_apply_is_filled(cluster: Cluster, forgery: Forgery, webhook: Webhook) -> None:
    cluster.apply(filled("by-token", password=forgery.reference))
    assert cluster.values("by-token") == {"password": forgery.value}


def test_the_same_request_with_any_of_the_tokens_gets_the_value(
    intruder: Intruder, proofs: Proofs, next_token: str
) -> None:
    for token in (proofs.token_file.read_text(), next_token):
        assert intruder.ask(headers={"Authorization": f"Bearer {token}"}) == "value"


def test_no_token_stands_in_the_log(webhook: Webhook, proofs: Proofs, next_token: str) -> None:
    log = webhook.log_file.read_text()
    assert proofs.token_file.read_text() not in log
    assert next_token not in log


@pytest.mark.usefixtures("_nothing_was_asked_of_vault")
class TestForged:
    def test_without_tls_it_dies(self, intruder: Intruder, next_token: str) -> None:
        assert intruder.ask(tls=False, headers={"Authorization": f"Bearer {next_token}"}) == DEAD

    @pytest.mark.parametrize(
        "pattern",
        [
            pytest.param("Bearer {other}", id="another token"),
            pytest.param("Bearer ", id="an empty token"),
            pytest.param("Bearer", id="no token"),
            pytest.param("{right}", id="the token without its scheme"),
            pytest.param("Bearer {right}x", id="the token and one character more"),
            pytest.param("Bearer {right}, Bearer {other}", id="two tokens"),
            pytest.param("Basic {basic}", id="the token as a password"),
        ],
    )
    def test_what_is_no_accepted_token_gets_401(self, intruder: Intruder, next_token: str, pattern: str) -> None:
        basic = base64.b64encode(f"keyhole:{next_token}".encode()).decode()
        header = pattern.format(right=next_token, other=secrets.token_urlsafe(32), basic=basic)
        assert intruder.ask(headers={"Authorization": header}) == "401"

    def test_without_a_header_it_gets_401(self, intruder: Intruder) -> None:
        assert intruder.ask() == "401"
        assert intruder.ask(headers={"X-Remote-User": "system:apiserver"}) == "401"
