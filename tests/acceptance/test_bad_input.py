"""Bad input: one clear message with the place and the remedy, the exit code of the table."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.contract.scripted_server import answer, scripted_server
from tests.rig import Rig


@pytest.fixture(scope="module")
def rig(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(server, tmp_path_factory.mktemp("bad"), "bad_input") as installed:
        yield installed


@pytest.fixture
def edited(rig: Rig) -> Iterator[Callable[[str, str, str], None]]:
    """Replace text in one of the configuration's files, put back afterwards."""
    kept = {name: (rig.folder / name).read_text("utf-8") for name in ("sidecar.yaml", "calls.yaml")}

    def edit(name: str, old: str, new: str) -> None:
        assert old in kept[name]
        (rig.folder / name).write_text(kept[name].replace(old, new, 1), encoding="utf-8")

    yield edit
    for name, text in kept.items():
        (rig.folder / name).write_text(text, encoding="utf-8")


def run(rig: Rig, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(rig.command(*arguments), capture_output=True, text=True, check=False)


def line_of(rig: Rig, name: str, text: str) -> int:
    lines = (rig.folder / name).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


Edit = Callable[[str, str, str], None]


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("password: {file: password}", "password: hunter2", 78, ["shop.database.password"]),
        ("name: bad_input,", "name: no_such,", 78, ["no_such", "shop.database.name"]),
        ("rest.generic", "rest.genric", 78, ["rest.genric", "rest.generic"]),
        ("retry: {first", "rety: {first", 78, ["rety", 'did you mean "retry"']),
        ("lease: 2s", "lease: soon", 78, ["domains.orders.lease"]),
        ("version: 1", "version: 1\nversion: 1", 78, ["version"]),
        ("domains:", "domains: [", 78, ["sidecar.yaml:"]),
        ("socket: /", "socket: /nowhere/", 69, ["cannot be reached", "shop.database"]),
        ("calls: calls.yaml", "calls: nowhere.yaml", 78, ["nowhere.yaml"]),
    ],
)
def test_a_wrong_configuration_names_the_place_and_the_remedy(
    rig: Rig, edited: Edit, old: str, new: str, code: int, words: list[str]
) -> None:
    edited("sidecar.yaml", old, new)
    done = run(rig, "run", "--once")
    assert done.returncode == code, done.stderr
    assert "remedy:" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_mapping_that_names_a_field_that_does_not_exist_is_refused_with_its_line(
    rig: Rig, edited: Edit
) -> None:
    edited("calls.yaml", "sku: =item.sku", "sku: =item.skuu")
    done = run(rig, "config", "validate")
    assert done.returncode == 78
    assert f"calls.yaml:{line_of(rig, 'calls.yaml', 'item.skuu')}:" in done.stderr
    assert "did you mean 'sku'?" in done.stderr


def test_validate_asks_no_network_for_a_wsdl_and_says_so(rig: Rig, edited: Edit) -> None:
    written = (rig.folder / "sidecar.yaml").read_text("utf-8")
    url = next(line.strip() for line in written.splitlines() if line.strip().startswith("url:"))
    with scripted_server(lambda _: answer(200, "<x/>")) as server:
        soap = written.replace(url, f"wsdl: {server.url}/?wsdl").replace("rest.gen", "soap.gen")
        edited("sidecar.yaml", written, soap)
        done = run(rig, "config", "validate")

        assert done.returncode == 0, done.stderr
        assert "erp.wsdl is an address" in done.stdout
        assert not server.requests


def test_a_wrong_password_is_a_missing_permission(rig: Rig) -> None:
    password = rig.folder / "password"
    password.write_text("wrong", encoding="utf-8")
    try:
        done = run(rig, "status")
    finally:
        password.write_text("crash", encoding="utf-8")
    assert done.returncode == 77
    assert "1045" in done.stderr
    assert "wrong" not in done.stderr.replace("while", "")


def test_a_database_that_is_not_magento_s_is_named_with_what_is_missing(
    rig: Rig, edited: Edit
) -> None:
    edited("sidecar.yaml", "name: bad_input,", "name: mysql,")
    done = run(rig, "install", "--dry-run")
    assert done.returncode == 78
    assert "no table sales_order" in done.stderr


def test_a_command_before_the_installation_says_what_to_run(rig: Rig, edited: Edit) -> None:
    edited("sidecar.yaml", "schema: bad_input_ledger", "schema: not_there_yet")
    done = run(rig, "status")
    assert done.returncode == 78
    assert "erp-sidecar install" in done.stderr


def test_an_install_that_lacks_a_right_leaves_nothing_behind(
    rig: Rig, edited: Edit, tmp_path: Path
) -> None:
    with rig.server.connect() as root, root.cursor() as cursor:
        cursor.execute("CREATE USER half@localhost IDENTIFIED BY 'half'")
        cursor.execute("GRANT ALL ON bad_input.* TO half@localhost")
        cursor.execute("GRANT ALL ON half_ledger.* TO half@localhost")
        cursor.execute("REVOKE TRIGGER ON bad_input.* FROM half@localhost")
    password = tmp_path / "half"
    password.touch(mode=0o600)
    password.write_text("half", encoding="utf-8")
    edited("sidecar.yaml", "schema: bad_input_ledger", "schema: half_ledger")
    run(rig, "triggers", "remove")
    done = run(rig, "install", "--user", "half", "--password-file", os.fspath(password))
    assert done.returncode == 77, done.stdout + done.stderr
    with rig.server.connect() as root, root.cursor() as cursor:
        cursor.execute("SHOW SCHEMAS LIKE 'half_ledger'")
        assert cursor.fetchall() == ()
        cursor.execute("SHOW TRIGGERS FROM bad_input LIKE '%'")
        names = [row[0] for row in cursor.fetchall()]
        assert [name for name in names if name.startswith("erp_sidecar")] == []
        cursor.execute("DROP USER half@localhost")
    rig.sidecar("install")


def test_usage_errors_have_their_own_code(rig: Rig) -> None:
    assert run(rig, "no-such-noun").returncode == 64
    assert run(rig, "queue", "requeue").returncode == 64
    assert run(rig, "domain", "pause", "refunds").returncode == 64


def test_an_order_that_nobody_knows_is_bad_data(rig: Rig) -> None:
    done = run(rig, "order", "show", "999999999")
    assert done.returncode == 65
    assert "999999999" in done.stderr


def test_an_erp_that_is_away_at_the_start_is_unavailable_and_tried_again(
    rig: Rig, edited: Edit
) -> None:
    away = "http://127.0.0.1:9/erp?wsdl"
    edited("sidecar.yaml", f"rest.generic\n  url: {rig.erp.url}", f"soap.generic\n  wsdl: {away}")
    done = run(rig, "run", "--once")
    assert done.returncode == 69, done.stderr
    assert away in done.stderr
    unit = Path(__file__).parents[2] / "systemd" / "erp-sidecar.service"
    (final,) = re.findall(r"^RestartPreventExitStatus=(.*)$", unit.read_text("utf-8"), re.MULTILINE)
    assert "69" not in final.split()
    validated = run(rig, "config", "validate")
    assert validated.returncode == 0, validated.stderr
    assert "note: erp.wsdl is an address" in validated.stdout


@pytest.mark.parametrize("place", ["nowhere/new.yaml", "sidecar.yaml/new.yaml"])
def test_a_configuration_for_a_folder_that_is_not_there_is_a_usage_error(
    rig: Rig, place: str
) -> None:
    done = run(rig, "config", "generate", "--output", str(rig.folder / place))
    assert done.returncode == 64
    assert "there is no folder" in done.stderr


@pytest.mark.parametrize(("mode", "text", "code"), [(0o644, "x", 77), (0o600, "", 78)])
def test_a_secret_that_is_open_or_empty_does_not_pass(
    rig: Rig, mode: int, text: str, code: int
) -> None:
    password = rig.folder / "password"
    password.write_text(text, encoding="utf-8")
    password.chmod(mode)
    try:
        done = run(rig, "config", "validate")
    finally:
        password.chmod(0o600)
        password.write_text("crash", encoding="utf-8")
    assert done.returncode == code, done.stderr
    assert "shop.database.password: " in done.stderr
