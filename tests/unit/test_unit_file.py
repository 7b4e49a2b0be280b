"""The systemd units against what the daemon promises, and against systemd's own judgement."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from sidecar.model import errors
from sidecar.model.duration import parse_duration
from sidecar.settings.erp import Timeout

FOLDER = Path(__file__).parents[2] / "systemd"
UNITS = [FOLDER / "erp-sidecar.service", FOLDER / "erp-sidecar@.service"]
#: What of the template is the instance's.
OWN = re.compile(r" of shop %i|(?<==erp-sidecar) --config /etc/erp-sidecar/%i\.yaml|/%i$")
EXPOSURE = 2.0
DATABASE_SILENCE = 60

every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


@pytest.fixture
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here (package systemd)")
    return program


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """The units as on a machine where the program is installed, the template with an instance."""
    made = []
    for unit in UNITS:
        copy = tmp_path / unit.name.replace("@", "@emea")
        text = unit.read_text("utf-8").replace("=erp-sidecar ", f"={shutil.which('true')} ")
        copy.write_text(text, "utf-8")
        made.append(copy)
    return made


def service(unit: Path) -> dict[str, str]:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit, encoding="utf-8")
    return dict(parser["Service"])


@every_unit
def test_a_stop_has_time_for_the_longest_call_that_may_be_on_its_way(unit: Path) -> None:
    longest = Timeout().connect + Timeout().read

    assert parse_duration(service(unit)["TimeoutStopSec"]) >= 2 * longest


@every_unit
def test_a_stop_reaches_the_daemon_and_a_kill_whatever_is_left(unit: Path) -> None:
    assert service(unit)["KillMode"] == "mixed"


@every_unit
def test_the_watchdog_is_more_patient_than_the_longest_wait_for_a_silent_database(
    unit: Path,
) -> None:
    patience = parse_duration(service(unit)["WatchdogSec"]).total_seconds() * 0.75

    assert patience > 2 * DATABASE_SILENCE


@every_unit
def test_it_is_not_restarted_on_what_a_restart_cannot_mend(unit: Path) -> None:
    mended_by_a_person = {
        errors.UsageError.exit_code,
        errors.PermissionDenied.exit_code,
        errors.ConfigurationError.exit_code,
    }
    prevented = {int(code) for code in service(unit)["RestartPreventExitStatus"].split()}
    document = (FOLDER.parent / "docs" / "exit-codes.md").read_text("utf-8")
    told = re.search(r"does not restart on ([\d, and]+),", document)

    assert prevented == mended_by_a_person
    assert told
    assert {int(code) for code in re.findall(r"\d+", told[1])} == prevented


def test_the_template_is_the_unit_with_the_instances_own_files() -> None:
    unit, template = (
        [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
        for file in UNITS
    )

    assert [OWN.sub("", line) for line in template] == unit


def test_systemd_finds_nothing_wrong_with_the_units(analyze: str, installed: list[Path]) -> None:
    verified = subprocess.run(
        [analyze, "verify", *installed], capture_output=True, text=True, check=False
    )

    assert (verified.returncode, verified.stderr) == (0, "")


def test_systemd_finds_little_that_the_units_leave_open(
    analyze: str, installed: list[Path]
) -> None:
    for unit in installed:
        judged = subprocess.run(
            [analyze, "security", "--offline=yes", "--no-pager", unit],
            capture_output=True,
            text=True,
            check=True,
        )
        level = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
        assert level, judged.stdout
        assert float(level[1]) <= EXPOSURE
