"""The private server: it starts quickly, survives a kill, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pymysql
import pytest

from sidecar.model.errors import SidecarError, Unavailable
from sidecar.testing.magento_db import Flavour, MariaDb, MySql, PrivateServer, Shop, create_magento

pytestmark = pytest.mark.any_server


def test_nothing_is_left_behind(flavour: Flavour) -> None:
    with PrivateServer(flavour=flavour) as server:
        folder, pid = server.folder, server.pid
        server.connect().close()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_killed_durable_server_comes_back_with_every_committed_order(flavour: Flavour) -> None:
    with PrivateServer(fsync=True, flavour=flavour) as server:
        with Shop(create_magento(server)) as shop:
            placed = shop.place()
            server.kill()
        with pytest.raises(Unavailable):
            _ = server.pid
        server.start()
        with server.connect("magento") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT increment_id FROM sales_order")
            assert cursor.fetchall() == ((placed.increment_id,),)
            cursor.execute("SELECT @@log_bin, @@binlog_format, @@sync_binlog")
            assert cursor.fetchone() == (1, "ROW", 1)


def test_a_running_server_is_not_started_twice(server: PrivateServer) -> None:
    pid = server.pid
    with pytest.raises(SidecarError, match="already running"):
        server.start()
    assert server.pid == pid


def test_options_of_ones_own_reach_the_server(flavour: Flavour) -> None:
    options = {"innodb_lock_wait_timeout": "2", "character_set_server": "latin1"}
    with (
        PrivateServer(options=options, flavour=flavour) as server,
        server.connect() as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT @@GLOBAL.innodb_lock_wait_timeout, @@GLOBAL.character_set_server")
        assert cursor.fetchone() == (2, "latin1")


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(
    flavour: Flavour, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("t")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(Unavailable, match="no_such_option"):
        PrivateServer(options={"no_such_option": "1"}, flavour=flavour)
    assert list(folder.iterdir()) == []


def test_a_missing_server_program_comes_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *args, **kw: None)
    with pytest.raises(Unavailable) as raised:
        MariaDb.find()
    assert "apt-get install mariadb-server-core" in raised.value.remedy


def test_a_missing_mysql_comes_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ERP_SIDECAR_MYSQL", str(tmp_path))
    with pytest.raises(Unavailable) as raised:
        MySql.find()
    assert "make test-mysql" in raised.value.remedy


def test_no_port_is_open_unless_asked_for(server: PrivateServer) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@skip_networking")
        assert cursor.fetchone() == (1,)


def test_people_can_start_one_from_the_command_line() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sidecar.testing.magento_db", "--orders", "3"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        socket = process.stdout.readline().split()[1]
        with (
            pymysql.connect(unix_socket=socket, user="root", database="magento") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT COUNT(*) FROM sales_order")
            assert cursor.fetchone() == (3,)
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    assert rest.endswith("Ended.\n")
    assert process.returncode == 0
    assert not os.path.exists(socket)
