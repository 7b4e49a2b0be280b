"""`erp-sidecar adapter`: the interface, a mapping against it, and an order's call, not made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.erpsim import ErpSim
from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig

PROJECT = Path(__file__).parents[2]
INTERFACES = PROJECT / "tests" / "unit" / "interfaces"
CALLS = """\
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /orders
      json:
        externalNumbr: =order.increment_id
        channel: TELEPHONE
        reference: =order.store_name
    answer: {accepted: =response.status == 201, reference: =response.body.number}
"""
CALLS_BEFORE = """\
orders:
  push:
    on: [order.placed]
    first:
      - call: {method: PUT, path: "='/customers/' ~ ref", json: {step: 1}}
        answer: {accepted: =response.status == 200}
    call: {method: POST, path: /sales-orders, json: {number: =ref}}
    answer: {accepted: =response.status == 201, reference: =response.body.number}
"""
SOAP_CONFIGURATION = """\
version: 1
shop:
  name: main
  timezone: UTC
  database: {host: 127.0.0.1, name: magento, user: m2, password: {file: password}}
erp:
  adapter: soap.generic
  wsdl: trade.wsdl
  calls: calls.yaml
  auth: {username_token: {user: m2, password: {file: password}, digest: true}}
"""
OPENAPI = {
    "openapi": "3.0.0",
    "paths": {
        "/orders": {
            "post": {
                "summary": "Books an order",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "required": ["externalNumber", "customer"],
                                "properties": {
                                    "externalNumber": {"type": "string", "maxLength": 50},
                                    "customer": {"type": "string"},
                                    "channel": {"type": "string", "maxLength": 4},
                                    "reference": {"type": "string", "maxLength": 35},
                                },
                            }
                        }
                    },
                },
            }
        }
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of a mapping and its interface."""
    (tmp_path / "calls.yaml").write_text(CALLS, encoding="utf-8")
    (tmp_path / "orders.json").write_text(json.dumps(OPENAPI), encoding="utf-8")
    return tmp_path


def sidecar(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, without any configuration."""
    code = "from sidecar.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "ERP_SIDECAR_CONFIG": str(folder / "none.yaml"),
            "CACHE_DIRECTORY": str(folder / "cache"),
        },
    )


def test_the_installed_adapters_are_listed(folder: Path) -> None:
    done = sidecar(folder, "adapter", "list", "--json")

    assert done.returncode == 0, done.stderr
    assert {"rest.generic", "soap.generic"} <= {one["name"] for one in json.loads(done.stdout)}


def test_describe_lists_operations_and_one_with_its_arguments(folder: Path) -> None:
    wsdl = str(INTERFACES / "trade.wsdl")

    listed = sidecar(folder, "adapter", "describe", wsdl)
    one = sidecar(folder, "adapter", "describe", wsdl, "CreateOrder", "--depth", "2")
    tree = sidecar(folder, "adapter", "describe", wsdl, "CreateOrder", "--json")

    assert listed.stdout.splitlines() == [
        "CreateOrder(order: Order, …)",
        "FindOrder(externalId: text, most: whole number)",
    ]
    assert "    externalId: text, at most 20 characters, mandatory" in one.stdout
    assert json.loads(tree.stdout)["parts"]["body"]["fields"][0]["kind"] == "Order"


def test_a_wsdl_may_be_fetched(folder: Path) -> None:
    with ErpSim.start() as erp:
        done = sidecar(folder, "adapter", "describe", erp.wsdl_url, "GetStock")
        none = sidecar(folder, "adapter", "describe", f"{erp.url}/sales-orders")

    assert "body (record, mandatory)" in done.stdout, done.stderr
    assert none.returncode == 64
    assert "nothing that is installed reads such a document" in none.stderr


def test_describe_writes_a_skeleton(folder: Path) -> None:
    done = sidecar(folder, "adapter", "describe", "orders.json", "POST /orders", "--skeleton")

    assert done.returncode == 0, done.stderr
    assert "        externalNumber: =order.increment_id " in done.stdout
    assert "        customer: =FILL_IN " in done.stdout
    assert "        # channel: =FILL_IN " in done.stdout


def test_describe_writes_a_skeleton_of_a_call_that_somebody_made(folder: Path) -> None:
    # As the project's metadata says it, which may have been installed before there were samples.
    info = folder / "samples-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: samples\nVersion: 1\n", "utf-8")
    told = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    lines = [f"{name} = {value}" for name, value in told["erp_sidecar.samples"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[erp_sidecar.samples]", *lines]), "utf-8")
    (folder / "request.json").write_text('{"sku": "A", "externalNumber": "1"}', encoding="utf-8")
    (folder / "answer.json").write_text('{"number": "SO-1"}', encoding="utf-8")

    done = sidecar(folder, "adapter", "describe", "--sample", "request.json", "answer.json")
    both = sidecar(folder, "adapter", "describe", "x", "--sample", "request.json", "answer.json")

    assert done.returncode == 0, done.stderr
    assert "        externalNumber: =order.increment_id " in done.stdout
    assert "      reference: =response.body.number " in done.stdout
    assert both.returncode == 64
    assert "--sample stands instead of CONTRACT" in both.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["describe", "orders.json", "POST /order"], 64, "did you mean 'POST /orders'"),
        (["describe", "orders.json", "--skeleton"], 64, "--skeleton is for one operation"),
        (["describe", "calls.yaml"], 64, "nothing that is installed reads such a document"),
        (["describe", "absent.json"], 78, "cannot be read"),
        (["describe"], 78, "none.yaml"),
        (["check", "--contract", "orders.json"], 78, "none.yaml"),
        (["check", "--contract", "orders.json", "--calls", "absent.yaml"], 78, "no such file"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_code(
    folder: Path, arguments: list[str], code: int, message: str
) -> None:
    done = sidecar(folder, "adapter", *arguments)

    assert done.returncode == code, done.stdout + done.stderr
    assert message in done.stderr


def test_check_names_what_is_misspelt_too_long_or_missing(folder: Path) -> None:
    arguments = ("adapter", "check", "--contract", "orders.json", "--calls", "calls.yaml")
    done = sidecar(folder, *arguments)
    found = json.loads(sidecar(folder, *arguments, "--json").stdout)["findings"]

    assert done.returncode == 2
    assert [(one["severity"], one["id"]) for one in found] == [
        ("error", "unknown-field"),
        ("error", "too-long"),
        ("warning", "too-long"),
        ("error", "missing"),
        ("error", "missing"),
    ]
    assert "calls.yaml:8: orders.push.call.json.externalNumbr: error: " in done.stdout
    assert "did you mean 'externalNumber'? [unknown-field]" in done.stdout
    assert "'customer' is mandatory and not filled" in done.stdout
    assert done.stdout.endswith("4 error(s), 1 warning(s)\n")


def test_the_configuration_names_document_and_mapping(folder: Path) -> None:
    (folder / "password").touch(mode=0o600)
    (folder / "password").write_text("swordfish", encoding="utf-8")
    (folder / "sidecar.yaml").write_text(SOAP_CONFIGURATION, encoding="utf-8")
    for name in ("trade.wsdl", "base.xsd", "documents.xsd"):
        (folder / name).write_bytes((INTERFACES / name).read_bytes())
    soap = CALLS.replace("method: POST", "operation: CreatOrder").replace(
        "      path: /orders\n", ""
    )
    (folder / "calls.yaml").write_text(soap.replace("json:", "body:"), encoding="utf-8")
    config = ("--config", str(folder / "sidecar.yaml"), "adapter")

    described = sidecar(folder, *config, "describe", "-", "FindOrder")
    checked = sidecar(folder, *config, "check")

    assert "  externalId: text, at most 20 characters, mandatory" in described.stdout, (
        described.stderr
    )
    assert checked.returncode == 2, checked.stderr
    assert "calls.yaml:4: orders.push.call: error: " in checked.stdout
    assert "did you mean 'CreateOrder'? [unknown-operation]" in checked.stdout


def test_check_of_a_mapping_that_fits(folder: Path) -> None:
    fits = CALLS.replace("externalNumbr", "externalNumber").replace("TELEPHONE", "WEB")
    fits = fits.replace("reference: =order.store_name", "customer: =order.store_name")
    (folder / "calls.yaml").write_text(fits, encoding="utf-8")

    arguments = ("adapter", "check", "--contract", "orders.json", "--calls", "calls.yaml")
    done = sidecar(folder, *arguments)
    strict = sidecar(folder, *arguments, "--strict")

    assert (done.returncode, strict.returncode) == (0, 2), done.stdout
    assert "'customer' is mandatory, and this may be none [maybe-empty]" in done.stdout


# --- dry-run -------------------------------------------------------------------------------------


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "dry_run") as installed:
        yield installed


def shown(rig: Rig, *arguments: str) -> Any:
    (one,) = json.loads(rig.sidecar("adapter", "dry-run", *arguments, "--json"))
    return one


def test_dry_run_shows_the_call_of_an_order_and_sends_nothing(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place()
    number = placed.increment_id

    one = shown(rig, number)
    text = rig.sidecar("adapter", "dry-run", number)

    assert (one["event"], one["frozen"], one["broken"]) == ("order.placed", False, [])
    (call,) = one["calls"]
    assert call["request"].startswith(f"POST {rig.erp.url}/")
    body = json.loads(call["body"], parse_float=Decimal)
    assert number in body.values()
    assert f"POST {rig.erp.url}/" in text
    assert "made of it as Magento has it now" in text
    assert rig.erp.requests() == []


def test_dry_run_shows_what_waits_as_it_was_frozen(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place()
        rig.erp.rule("credit_limit", times=1)
        rig.sidecar("run", "--once")
        (event,) = json.loads(rig.sidecar("order", "show", placed.increment_id, "--json"))[0][
            "events"
        ]
        before = rig.erp.requests()

        one = shown(rig, placed.increment_id)

    # Refused, it waits in the ledger: that is what will be sent, not a newer look at the order.
    assert (one["frozen"], one["event_id"]) == (True, event["event_id"])
    assert rig.erp.requests() == before


def test_dry_run_shows_what_goes_before_an_order_and_the_order_last(rig: Rig) -> None:
    calls = rig.folder / "calls.yaml"
    calls.write_text(CALLS_BEFORE, encoding="utf-8")
    with Shop(rig.magento) as shop:
        placed = shop.place()

    one = shown(rig, placed.increment_id)
    text = rig.sidecar("adapter", "dry-run", placed.increment_id)

    assert [call["request"].removeprefix(rig.erp.url) for call in one["calls"]] == [
        f"PUT {rig.erp.url}/customers/{placed.increment_id}",
        f"POST {rig.erp.url}/sales-orders",
    ]
    assert [json.loads(call["body"]) for call in one["calls"]] == [
        {"step": 1},
        {"number": placed.increment_id},
    ]
    keys = {"request", "headers", "body", "shown", "exception", "step"}
    assert all(set(call) == keys for call in one["calls"])
    assert "\n\n1 of 2, first:\n" in text
    assert "2 of 2, the order itself:" in text
    assert rig.erp.requests() == []


def test_dry_run_of_an_event_that_nothing_carries(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place()

    one = shown(rig, placed.increment_id, "--event", "order.vanished")

    assert one["calls"] == []


def test_dry_run_of_an_order_that_does_not_exist(rig: Rig) -> None:
    done = subprocess.run(
        rig.command("adapter", "dry-run", "000009999"), capture_output=True, text=True, check=False
    )

    assert done.returncode == 65
    assert "Magento has no order 000009999" in done.stderr
