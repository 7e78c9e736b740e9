from pathlib import Path

import pytest

from kube.registration.request_header import RequestHeader
from webhook.callerauth.aggregation import Aggregation
from webhook.callerauth.bearer_token import BearerToken
from webhook.callerauth.client_certificate import ClientCertificate
from webhook.callerauth.modes import Anyone, CallerMode, CallerSettings, CallerSettingsError, caller_check

CA, NAMES, TOKENS = Path("ca.crt"), frozenset({"kube-apiserver"}), (Path("token"),)


def no_header(timeout_seconds: float) -> RequestHeader:
    raise AssertionError("nothing is read before it is started")


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (CallerSettings(CallerMode.AGGREGATION), Aggregation),
        (CallerSettings(CallerMode.CLIENT_CERTIFICATE, CA, NAMES), ClientCertificate),
        (CallerSettings(CallerMode.TOKEN, token_files=TOKENS), BearerToken),
        (CallerSettings(CallerMode.NONE), Anyone),
    ],
    ids=lambda given: given.mode if isinstance(given, CallerSettings) else "",
)
def test_each_mode_has_its_check(settings: CallerSettings, kind: type) -> None:
    assert type(caller_check(settings, no_header)) is kind


@pytest.mark.parametrize("mode", CallerMode)
@pytest.mark.parametrize("ca_file", [None, CA])
@pytest.mark.parametrize("names", [frozenset(), NAMES])
@pytest.mark.parametrize("token_files", [(), TOKENS])
def test_a_mode_takes_what_it_needs_and_nothing_else(
    mode: CallerMode, ca_file: Path | None, names: frozenset[str], token_files: tuple[Path, ...]
) -> None:
    is_certificate, is_token = mode is CallerMode.CLIENT_CERTIFICATE, mode is CallerMode.TOKEN
    given = (ca_file is not None, bool(names), bool(token_files))
    if given == (is_certificate, is_certificate, is_token):
        CallerSettings(mode, ca_file, names, token_files)
    else:
        with pytest.raises(CallerSettingsError, match=f"--caller-auth={mode} (needs|does not take) --caller-"):
            CallerSettings(mode, ca_file, names, token_files)
