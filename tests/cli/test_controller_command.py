"""`keyhole controller`: what it says of options that do not go together, and the times that it takes."""

from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.commands.controller import controller
from cli.parameters import DurationType

_NEEDED = ("--record-key", "keyhole/record-key", "--lease", "keyhole/lease")
_CERTIFICATES = {
    "--certificate-authority": "keyhole/ca",
    "--serving-certificate": "keyhole/serving",
    "--serving-host": "keyhole.keyhole.svc",
    "--api-service": "v1alpha1.admission.keyhole.dev",
}
_NAMES = [option.removeprefix("--").replace("-", "_") for option in _CERTIFICATES]


def _told(tmp_path: Path, **changes: str | None) -> str:
    options = {**_CERTIFICATES, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    given = [part for option, value in options.items() if value is not None for part in (option, value)]
    # A kubeconfig that is none ends it where everything else is in order.
    (tmp_path / "kubeconfig").write_text("{}")
    done = CliRunner().invoke(controller, [*_NEEDED, *given, "--kubeconfig", str(tmp_path / "kubeconfig")])
    assert done.exit_code == 2
    return done.output


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"certificate_authority": None}, "need --serving-certificate", id="no Secret for the authority"),
        pytest.param({"serving_certificate": None}, "need --serving-certificate", id="no Secret to serve from"),
        pytest.param({"serving_host": None}, "at least one --serving-host", id="no name"),
        pytest.param({"serving_host": "*.svc"}, "is a wildcard", id="a wildcard"),
        pytest.param({"certificate_authority": "keyhole/serving"}, "another Secret", id="one Secret for both"),
        pytest.param({"api_service": None}, "--api-service or --webhook-configuration", id="nobody who verifies"),
        pytest.param({"ca_lifetime": "24h"}, "shorter than --certificate-lifetime", id="an authority that ends first"),
        pytest.param({"certificate_lifetime": "9s"}, "not between 10s and 876000h", id="a life that is too short"),
        pytest.param({"certificate_lifetime": "90 days"}, "not a time such as 2160h", id="a time that is none"),
        pytest.param({}, "kubeconfig", id="all in order but for the kubeconfig"),
        pytest.param(
            dict.fromkeys(("certificate_authority", "serving_certificate", "serving_host", "api_service")),
            "kubeconfig",
            id="no certificates",
        ),
    ],
)
def test_what_is_missing_or_too_much_is_named(tmp_path: Path, changes: dict[str, str | None], told: str) -> None:
    assert told in _told(tmp_path, **changes)


class TestDuration:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("10s", 10), ("90m", 5400), ("2160h", 90 * 86400), ("1h30m", 5400), ("1h0m5s", 3605), ("600s", 600)],
    )
    def test_it_is_read_as_go_writes_it(self, text: str, seconds: int) -> None:
        assert _duration().convert(text, None, None) == timedelta(seconds=seconds)

    @pytest.mark.parametrize(
        "text", ["", "10", "s", "10d", "1m1h", "-10s", "1.5h", "10 s", "10s ", "٣s", "9" * 12 + "s", "5s"]
    )
    def test_what_is_no_time_or_outside_the_bounds_is_an_error(self, text: str) -> None:
        with pytest.raises(click.BadParameter):
            _duration().convert(text, None, None)


def _duration() -> DurationType:
    return DurationType(timedelta(seconds=10), timedelta(days=365))
