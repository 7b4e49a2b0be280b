"""A terminal, a pipe and a disk as they are found: no command fails on them, or obeys foreign text.

Each command of the program is tried; one that comes new must be given a call here.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from sidecar.cli.manual import leaves
from sidecar.cli.root import cli
from sidecar.testing.magento_db import PrivateServer
from tests.acceptance.test_operator_commands import refused_order, run
from tests.forked_cli import forked_cli
from tests.rig import Rig
from tests.unit.test_printable import is_safe

LEAVES = {" ".join(path): command for path, command in leaves(cli)}
CALLS = Path(__file__).parents[2] / "sidecar" / "testing" / "demo" / "calls.yaml"
NUMBER = "{number}"
#: Command → the shortest call that changes nothing, or can be repeated.
ARGUMENTS = {
    "adapter changes": "shipments",
    "adapter check": "--contract /nowhere.wsdl",
    "adapter compare": "/nowhere.wsdl /nowhere.wsdl",
    "adapter describe": "/nowhere.wsdl",
    "adapter dry-run": NUMBER,
    "adapter learn": "",
    "adapter list": "",
    "adapter test": "",
    "audit list": "",
    "backfill": "orders --since 2026-01-01 --dry-run",
    "blueprint": "",
    "blueprint diff": "",
    "blueprint sign": "--as x --reason x --dry-run",
    "bundle": "--output {folder}/bundle.tar.gz",
    "calendar close": "2020-01 --reason x",
    "calendar cutoff": "2020-01",
    "calendar list": "",
    "calendar open": "2020-01 --reason x",
    "check": "--wait 100ms",
    "completion": "bash",
    "config generate": "",
    "config show": "",
    "config validate": "",
    "customer erase": "42 --reason x --dry-run",
    "customer replay": f"{NUMBER} --reason x --dry-run",
    "customer show": f"{NUMBER} --no-erp",
    "demo": "--bogus",
    "differences list": "",
    "differences resolve": f"{NUMBER} --dry-run",
    "doctor": "",
    "doctor explain": "",
    "domain list": "",
    "domain pause": "orders --dry-run",
    "domain resume": "orders --dry-run",
    "events schema": "order.placed",
    "grants print": "",
    "identity accept": "--reason x --dry-run",
    "identity is-copy": "--reason x --dry-run",
    "identity show": "",
    "incoming apply": f"{NUMBER} --reason x --dry-run",
    "incoming drop": f"{NUMBER} --reason x --dry-run",
    "incoming list": "--all",
    "incoming show": NUMBER,
    "install": "--dry-run",
    "invoice replay": f"{NUMBER} --reason x --dry-run",
    "invoice show": f"{NUMBER} --no-erp",
    "level replay": f"{NUMBER} --reason x --dry-run",
    "level show": f"{NUMBER} --no-erp",
    "lifecycle check": "{folder}/lifecycle.yaml",
    "migrate": "--dry-run",
    "nagios": "",
    "order replay": f"{NUMBER} --reason x --dry-run",
    "order show": f"{NUMBER} --no-erp",
    "price replay": f"{NUMBER} --reason x --dry-run",
    "price show": f"{NUMBER} --no-erp",
    "prices diff": "",
    "product replay": f"{NUMBER} --reason x --dry-run",
    "product show": f"{NUMBER} --no-erp",
    "queue drop": f"{NUMBER} --reason x --dry-run",
    "queue edit": f"{NUMBER} --set /customer_note=x --dry-run",
    "queue list": "--all",
    "queue park": f"{NUMBER} --dry-run",
    "queue release": f"{NUMBER} --as-is --reason x --dry-run",
    "queue requeue": f"{NUMBER} --dry-run",
    "queue show": "crash.order.1.1",
    "refund replay": f"{NUMBER} --reason x --dry-run",
    "refund show": f"{NUMBER} --no-erp",
    "rejections list": "",
    "rejections release": "734d26ec042f --dry-run",
    "run": "--once",
    "shipment replay": f"{NUMBER} --reason x --dry-run",
    "shipment show": f"{NUMBER} --no-erp",
    "show": f"{NUMBER} --no-erp",
    "status": "",
    "stock diff": "",
    "top": "--once",
    "triggers install": "--dry-run",
    "triggers plan": "",
    "triggers remove": "--dry-run",
    "triggers resume": "",
    "triggers status": "",
    "triggers suspend": "--reason x",
    "uninstall": "--dry-run",
}
CODES = {0, 1, 2, 64, 65, 69, 75, 77, 78}
#: Begins with what fits into a currency's three characters.
HOSTILE = (
    "\x1b\u202e\n\x1b]52;c;eA==\x07\x9b2J\r\x7f\u2066\u200b\u2028\ufeff\u3164|"
    "09:00:00.000 INFO    delivery.accepted"
)


@pytest.fixture(scope="module")
def rig(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(server, tmp_path_factory.mktemp("terminal"), "terminal") as installed:
        lifecycle = "states: {OPEN: {meaning: final}, CLOSED: {meaning: closed}}\n"
        lifecycle += "transitions: {OPEN: [CLOSED]}\n"
        (installed.folder / "lifecycle.yaml").write_text(lifecycle, "utf-8")
        yield installed


@pytest.fixture(scope="module")
def number(rig: Rig) -> str:
    return str(refused_order(rig).increment_id)


def call(rig: Rig, name: str, number: str) -> list[str]:
    words = ARGUMENTS[name].replace("{folder}", str(rig.folder)).split()
    return [*name.split(), *(word.replace(NUMBER, number) for word in words)]


def tried(rig: Rig, cases: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    """Code, output and errors of each case."""
    config = str(rig.folder / "sidecar.yaml")
    # Commands that write a file write it there, not into the project.
    usual = {"config": config, "folder": str(rig.folder)}
    results = []
    for case in cases:
        environment = dict(os.environ) | case.pop("environment", {})
        for name in case.pop("unset", ()):
            environment.pop(name, None)
        results.append(forked_cli().outcome(usual | {"environment": environment} | case))
    return results


def assert_in_order(name: str, result: tuple[int, str, str], codes: set[int]) -> None:
    code, out, err = result
    assert "Traceback" not in out + err, f"{name}: {err}"
    assert "Exception ignored" not in err, f"{name}: {err}"
    assert "a defect" not in err + out, f"{name}: {err}"
    assert code in codes, f"{name}: {code}: {err}"


def test_every_command_has_a_call_here() -> None:
    assert ARGUMENTS.keys() == LEAVES.keys()


def test_no_command_fails_on_its_output_or_needs_a_place_to_be_in(rig: Rig, number: str) -> None:
    names = sorted(ARGUMENTS.keys() - {"triggers suspend", "bundle", "run", "check"})
    calls = [call(rig, name, number) for name in names]
    nowhere = {"folder": "gone", "unset": ["HOME", "USER", "PATH", "LANG", "TERM"]}
    ways: tuple[dict[str, Any], ...] = ({}, {"streams": "out full"}, {"streams": "pipe", **nowhere})
    cases: list[dict[str, Any]] = [{"call": one, **way} for way in ways for one in calls]
    results = tried(rig, cases)
    usual, full, pipe = (results[at : at + len(names)] for at in range(0, len(cases), len(names)))
    for name, (code, out, err), on_full, on_pipe in zip(names, usual, full, pipe, strict=True):
        assert_in_order(name, (code, out, err), CODES | {3})
        unwritten = 3 if name == "nagios" else 1 if code == 0 else code
        assert_in_order(f"{name} on a full disk", on_full, {unwritten if out else code})
        assert_in_order(f"{name} without a reader, home or folder", on_pipe, {code})


def test_a_closed_stream_is_one_that_nobody_reads(rig: Rig, number: str) -> None:
    names = ("status", "nagios", "config validate")
    ways = ("", "out closed", "err closed", "all closed")
    cases = [{"call": call(rig, name, number), "streams": way} for name in names for way in ways]
    results = iter(tried(rig, cases))
    for name in names:
        usual = next(results)
        for way in ways[1:]:
            assert_in_order(f"{name}, {way}", next(results), {usual[0]})


def test_no_command_fails_on_bytes_that_are_no_text(rig: Rig, number: str) -> None:
    nasty = "\udcff\udcfe"
    cases: list[dict[str, Any]] = []
    for name, command in LEAVES.items():
        if name in ("demo", "run"):
            continue
        cases.append({"call": [*name.split(), nasty, nasty]})
        options = [
            word
            for one in command.params
            if isinstance(one, click.Option) and not one.is_flag
            for word in (one.opts[-1], nasty)
        ]
        if options:
            cases.append({"call": [*call(rig, name, number), *options]})
    cases += [
        {"call": ["domain", "pause", "orders", "--reason", nasty]},
        {"call": ["domain", "resume", "orders"], "environment": {"USER": nasty, "SUDO_USER": ""}},
        {"call": ["audit", "list"]},
        {"call": ["status"], "config": f"/nowhere/{nasty}"},
        {"call": ["status"], "environment": {"EDITOR": nasty, "TZ": nasty, "COLUMNS": nasty}},
        {"call": ["queue", "edit", number], "environment": {"EDITOR": nasty, "VISUAL": nasty}},
    ]
    for case, result in zip(cases, tried(rig, cases), strict=True):
        assert_in_order(str(case["call"]), result, CODES | {3, 130})


def test_ctrl_c_ends_every_command_in_order(rig: Rig, number: str) -> None:
    names = sorted(ARGUMENTS.keys() - {"run", "bundle"})
    cases: list[dict[str, Any]] = [
        {"call": call(rig, name, number), "interrupt_after": after}
        for name in names
        for after in (0, 0.08)
    ]
    for case, result in zip(cases, tried(rig, cases), strict=True):
        codes = {130} if case["interrupt_after"] == 0 else CODES | {130}
        assert_in_order(str(case), result, codes)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_of_another_encoding_gets_escapes(rig: Rig, encoding: str) -> None:
    environment = {"PYTHONIOENCODING": encoding, "PATH": "/usr/bin", "LC_ALL": "C"}
    for arguments in (["status", "--json"], ["order", "show", "\u017c\u2192"]):
        done = subprocess.run(
            rig.command(*arguments), capture_output=True, env=environment, check=False
        )
        assert b"Traceback" not in done.stderr, arguments
        assert done.returncode in (0, 2, 65), done.stderr
        if "--json" in arguments:
            json.loads(done.stdout.decode(encoding))
    assert b"\\u017c\\u2192" in done.stderr


@pytest.fixture
def hostile(server: PrivateServer, tmp_path: Path) -> Iterator[tuple[Rig, str]]:
    """A shop in which everything that others wrote is hostile; with an order's number."""
    with Rig(server, tmp_path, "hostile") as rig:
        refused_order(rig)
        rig.sidecar("domain", "pause", "orders", "--reason", "x")
        with rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT TABLE_NAME, COLUMN_NAME, CHARACTER_MAXIMUM_LENGTH FROM "
                "information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND CHARACTER_SET_NAME = "
                "'utf8mb4' AND COLUMN_KEY = '' AND COLUMN_COMMENT NOT LIKE 'JSON%%' AND "
                "COLUMN_NAME NOT IN ('payload', 'magento_schema', 'ledger') AND "
                "TABLE_NAME <> 'migration'",
                (f"{rig.magento.name}_ledger",),
            )
            columns = list(cursor.fetchall())
            assert len(columns) > 20
            for table, column, length in columns:
                if (table, column) == ("event", "number"):
                    continue
                cursor.execute(
                    f"UPDATE {rig.magento.name}_ledger.`{table}` SET `{column}` = %s",
                    (HOSTILE[: min(int(length), len(HOSTILE))],),
                )
            number = "7" + HOSTILE[:30]
            for table, column in (
                ("_ledger.event", "number"),
                ("_ledger.entity", "number"),
                (".sales_order", "increment_id"),
            ):
                cursor.execute(f"UPDATE {rig.magento.name}{table} SET {column} = %s", (number,))
            cursor.execute(
                "UPDATE core_config_data SET value = %s WHERE path LIKE '%%base_url'",
                (f"http://{HOSTILE}/",),
            )
            connection.commit()
        yield rig, number


def test_no_command_lets_foreign_text_reach_the_terminal(hostile: tuple[Rig, str]) -> None:
    rig, number = hostile
    shown: dict[str, str] = {}
    for name, command in LEAVES.items():
        if name in ("demo", "run", "completion"):
            continue
        takes_json = "--json" in [word for one in command.params for word in one.opts]
        words = call(rig, name, number)
        forms: list[list[str]] = [[], ["--json"]] if takes_json else [[]]
        for form in forms:
            done = run(rig, *words, *form)
            assert done.code in CODES | {3}, f"{name}: {done.errors}"
            for line in (done.output + done.errors).split("\n"):
                assert is_safe(line), f"{name} {form}: {line!r}"
            shown[name] = shown.get(name, "") + done.output + done.errors
        (rig.folder / "bundle.tar.gz").unlink(missing_ok=True)
    for name in (
        "audit list",
        "domain list",
        "order show",
        "queue list",
        "rejections list",
        "show",
    ):
        assert "\\x1b" in shown[name], shown[name]
