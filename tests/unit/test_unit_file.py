"""The systemd unit against what the daemon promises."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

from sidecar.settings.erp import Timeout
from sidecar.settings.quantities import parse_duration

UNIT = Path(__file__).parents[2] / "systemd" / "erp-sidecar.service"


def service() -> dict[str, str]:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT, encoding="utf-8")
    return dict(parser["Service"])


def test_a_stop_has_time_for_the_longest_call_that_may_be_on_its_way() -> None:
    longest = Timeout().connect + Timeout().read

    assert parse_duration(service()["TimeoutStopSec"]) >= 2 * longest


def test_a_stop_reaches_the_daemon_and_a_kill_whatever_is_left() -> None:
    assert service()["KillMode"] == "mixed"
