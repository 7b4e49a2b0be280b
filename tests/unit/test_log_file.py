from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sidecar.observe.log_file import LogFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sidecar.log"


def log_at(path: Path) -> LogFile:
    return LogFile(path, json.dumps)


def line(number: int) -> dict[str, Any]:
    return {"ts": "2026-11-23T08:56:58.469+00:00", "level": "info", "event": "a", "n": number}


def lines_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text("utf-8").splitlines()]


@contextmanager
def files_may_have(size: int) -> Iterator[None]:
    """As on a disk that is full after so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_lines_go_to_the_renamed_file_until_a_new_one_is_asked_for(path: Path) -> None:
    log = log_at(path)
    log.write(line(1))
    renamed = path.rename(path.with_suffix(".1"))
    log.write(line(2))
    log.reopen()
    log.write(line(3))
    assert lines_in(renamed) == [line(1), line(2)]
    assert lines_in(path) == [line(3)]


def test_a_file_that_somebody_deleted_is_made_again(path: Path) -> None:
    log = log_at(path)
    log.write(line(1))
    path.unlink()
    log.write(line(2))
    assert lines_in(path) == [line(2)]


def test_a_file_that_another_empties_goes_on_from_its_beginning(path: Path) -> None:
    log = log_at(path)
    log.write(line(1))
    path.write_text("")
    log.write(line(2))
    assert lines_in(path) == [line(2)]


def test_a_full_disk_tears_no_line_and_the_gap_is_told(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = log_at(path)
    log.write(line(1))
    with files_may_have(path.stat().st_size + 10):
        log.write(line(2))
        log.write(line(3))
    log.write(line(4))
    first, gap, last = lines_in(path)
    assert (first, last) == (line(1), line(4))
    assert (gap["event"], gap["level"], gap["lines"]) == ("log.gap", "warning", 2)
    trouble, *instead = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert (trouble["event"], trouble["level"]) == ("log.unwritable", "error")
    assert str(path) in trouble["message"]
    assert instead == [line(2), line(3)]


def test_a_folder_that_is_gone_is_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "log"
    log = log_at(folder / "sidecar.log")
    log.write(line(1))
    folder.mkdir()
    log.write(line(2))
    gap, second = lines_in(folder / "sidecar.log")
    assert (gap["lines"], second) == (1, line(2))
    assert "No such file or directory" in capsys.readouterr().err


def test_others_than_owner_and_group_may_not_read_it(path: Path) -> None:
    log_at(path).write(line(1))
    assert path.stat().st_mode & 0o007 == 0


def test_a_pipe_that_nobody_reads_holds_nobody(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(path)
    log_at(path).write(line(1))
    told = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert [one["event"] for one in told] == ["log.unwritable", "a"]
