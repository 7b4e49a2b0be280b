"""The log's last lines, from a file and from systemd's journal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sidecar.bundle.log_tail import LINES, log_tail
from sidecar.model.errors import SidecarError


def test_the_newest_lines_of_a_long_file_come_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("".join(f"{number}\n" for number in range(LINES + 10)), encoding="utf-8")
    lines = log_tail(file)
    assert (len(lines), lines[0], lines[-1]) == (LINES, "10", str(LINES + 9))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SidecarError, match="cannot be read: No such file"):
        log_tail(tmp_path / "log")


def test_without_a_file_the_journal_of_all_units_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journalctl"
    journal.write_text('#!/bin/sh\necho "$@"\necho last\n', encoding="utf-8")
    journal.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    asked, last = log_tail(None)
    assert asked.startswith("--unit=erp-sidecar* --output=cat")
    assert last == "last"


def test_a_journal_that_refuses_is_told_with_the_command_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journalctl"
    journal.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    journal.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SidecarError, match="look yourself: journalctl") as refused:
        log_tail(None)
    assert refused.value.exit_code == 69


def test_a_pipe_or_a_device_in_the_log_s_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    for file in (tmp_path / "log", Path("/dev/zero")):
        with pytest.raises(SidecarError, match="no regular file"):
            log_tail(file)
