"""Where the last beat is kept outside the database, and that it is never taken down."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sidecar.identity import witness
from sidecar.identity.witness import Witness
from sidecar.model.identity import Seen, ServerMark

SEEN = Seen(
    "record-1",
    7,
    "daemon-1",
    datetime(2026, 11, 25, tzinfo=UTC),
    ServerMark("uuid-1", "db1", "3306", "/var/lib/mysql/"),
)


@pytest.fixture(autouse=True)
def nobody_s_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(witness, "_OF_THE_SERVICE", tmp_path / "nowhere")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))


def folder(**configured: Path) -> Path | None:
    path = Witness.of(configured.get("path"), "main", "erp_sidecar", "db1:3306").path
    return path and path.parent


def test_it_is_kept_where_it_is_configured_then_by_systemd_then_by_the_service_then_at_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert folder() == tmp_path / "home" / "erp-sidecar"
    (tmp_path / "service").mkdir()
    monkeypatch.setattr(witness, "_OF_THE_SERVICE", tmp_path / "service")
    assert folder() == tmp_path / "service"
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/given:{tmp_path}/more")
    assert folder() == tmp_path / "given"
    assert folder(path=tmp_path / "named" / "witness.json") == tmp_path / "named"


def test_a_user_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)

    assert folder() is None


def test_two_servers_in_two_configurations_have_one_each() -> None:
    files = {Witness.of(None, "main", "erp_sidecar", server).path for server in ("db1", "db2")}

    assert len(files) == 2


def test_the_users_folder_is_made_for_him_alone() -> None:
    kept = Witness.of(None, "main", "erp_sidecar", "db1")

    assert kept.write(SEEN) is None
    assert kept.read() == SEEN
    assert kept.path is not None
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700


def test_an_earlier_beat_of_the_same_record_never_takes_it_down(tmp_path: Path) -> None:
    kept = Witness(tmp_path / "witness.json")
    kept.write(SEEN)

    kept.write(replace(SEEN, beat=6))
    assert kept.read() == SEEN
    accepted = replace(SEEN, token="record-2", beat=6)
    kept.write(accepted)
    assert kept.read() == accepted


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "witness")

    assert Witness(tmp_path / "witness").read() is None
