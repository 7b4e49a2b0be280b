"""`erp-sidecar adapter changes`: what the ERP tells is asked for, shown, and kept nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from tests.acceptance.test_json_schemas import read_as_the_schema_says

PROJECT = Path(__file__).parents[2]
MAPPING = PROJECT / "tests" / "contract" / "mappings" / "single.yaml"
CONFIGURATION = """\
version: 1
shop:
  name: main
  timezone: Europe/Berlin
  database: {{host: 127.0.0.1, name: magento, user: m2, password: {{file: password}}}}
erp:
  adapter: rest.generic
  url: {url}
  calls: {calls}
domains:
  shipments: {{owner: erp}}
"""


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread(page_size=2) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, erp: ErpSimClient) -> Path:
    (tmp_path / "password").write_text("secret")
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "sidecar.yaml").write_text(CONFIGURATION.format(url=erp.url, calls=MAPPING))
    return tmp_path


def changes(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    code = "from sidecar.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "adapter", "changes", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "ERP_SIDECAR_CONFIG": str(folder / "sidecar.yaml"),
        },
    )


def test_it_shows_the_rows_as_the_file_of_calls_reads_them(folder: Path, erp: ErpSimClient) -> None:
    for count in range(1, 4):
        erp.tell_delivery(f"D-{count}", "000000042", [("A", "1.5000")], parcels=["1Z"])

    read = changes(folder, "shipments")
    as_json = changes(folder, "shipments", "--json", "--most", "2")

    assert read.returncode == 0, read.stderr
    assert "3 row(s)" in read.stdout.splitlines()[0]
    assert "  number: D-3" in read.stdout
    assert '"qty":1.5000' in read.stdout
    told = json.loads(as_json.stdout, parse_float=Decimal)
    assert [row["number"] for row in told["rows"]] == ["D-1", "D-2"]
    assert told["rows"][0]["items"][0]["qty"] == Decimal("1.5000")
    assert told["more"]
    read_as_the_schema_says("adapter-changes", as_json.stdout)
    assert {request.method for request in erp.requests()} == {"GET"}


def test_a_row_that_cannot_be_read_is_a_finding(folder: Path, erp: ErpSimClient) -> None:
    erp.tell_delivery("D-1", "000000042", [("A", 1)])
    erp.tell_delivery("D-2", "000000043", [("A", 1)], warehouse="MOON")

    read = changes(folder, "shipments", "--since", "2000-01-01")
    as_json = changes(folder, "shipments", "--since", "2000-01-01", "--json")
    assert read_as_the_schema_says("adapter-changes", as_json.stdout)["unreadable"]

    assert read.returncode == 2, read.stderr
    assert "1 row(s)" in read.stdout.splitlines()[0]
    [told] = [line for line in read.stdout.splitlines() if line.startswith("unreadable: ")]
    assert told.startswith("unreadable: D-2: ")
    assert "shipments.changes.each.source_code: lookup: table 'sources' has no key" in told


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["shipments", "--all"], 64, "this ERP cannot be asked for shipments so"),
        (["orders"], 64, "'orders' is not one of"),
        (["stock", "--since", "yesterday"], 64, "--since yesterday: neither a duration nor a time"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    folder: Path, arguments: list[str], code: int, words: str
) -> None:
    done = changes(folder, *arguments)

    assert (done.returncode, words in done.stderr) == (code, True), done.stderr


def test_all_that_the_erp_has_is_asked_for_page_by_page(folder: Path, erp: ErpSimClient) -> None:
    for count in range(5):
        erp.set_stock(f"SKU {count}", "0.5")

    read = changes(folder, "stock", "--all", "--json")

    assert len(json.loads(read.stdout)["rows"]) == 5, read.stderr


def test_the_call_is_shown_and_not_made(folder: Path, erp: ErpSimClient) -> None:
    shown = changes(folder, "shipments", "--since", "2026-11-30T06:00", "--dry-run")

    assert shown.returncode == 0, shown.stderr
    [request, *_] = shown.stdout.splitlines()
    assert request.startswith("GET ")
    assert "/deliveries?changedSince=2026-11-30T06" in request
    assert erp.requests() == []


def test_pages_without_end_are_asked_for_up_to_the_most_rows(
    folder: Path, erp: ErpSimClient
) -> None:
    erp.set_stock("A", 1)
    erp.rule("endless_pages")

    read = changes(folder, "stock", "--all", "--most", "7", "--json")

    assert len(json.loads(read.stdout)["rows"]) == 7, read.stderr


def test_a_domain_that_the_erp_owns_and_does_not_tell_of_is_refused_with_its_line(
    folder: Path,
) -> None:
    calls = MAPPING.read_text().partition("\nrefunds:")[0]
    (folder / "calls.yaml").write_text(calls)
    configuration = (folder / "sidecar.yaml").read_text()
    (folder / "sidecar.yaml").write_text(configuration.replace(str(MAPPING), "calls.yaml"))

    done = changes(folder, "shipments")

    assert done.returncode == 78
    assert "calls.yaml has no call that asks for shipments, which the ERP owns" in done.stderr
    assert "sidecar.yaml:11" in done.stderr
