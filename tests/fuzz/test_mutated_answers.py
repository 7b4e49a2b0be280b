"""An answer from which anything was dropped is never a yes or a no.

Whatever happens to an answer on its way, an order that the ERP booked is not refused and not
booked again: it is read right, or it stays unknown.  MUTATIONS (1,000 in the tests, 100,000 by
`make fuzz`) are shared out among the ERPs; FUZZ_SEED is where the random numbers begin, and a
failure names the one to begin with.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from sidecar.ports import ErpAdapter
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.netsuite_server import NetSuiteServer
from tests.contract.scripted_server import Received, answer, scripted_server
from tests.fuzz.erp import Wire, adapter_of, settled
from tests.fuzz.wires import (
    json_adapter,
    json_wire,
    netsuite_adapter,
    netsuite_wire,
    soap_adapter,
    soap_wire,
)

MUTATIONS = int(os.environ.get("MUTATIONS", "1000"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
SOAP = [
    (style, version, lines)
    for style in ("document", "rpc")
    for version in ("11", "12")
    for lines in ("truth", "word")
]
JSON = ("truth", "word", "status")
_EACH = max(1, MUTATIONS // (len(SOAP) + len(JSON) + 1))


def judge(wire: Wire, make: Callable[[Path, str], ErpAdapter], folder: Path) -> None:
    with adapter_of(wire, make, folder) as (adapter, erp):
        for seed in range(SEED, SEED + _EACH):
            wrong = settled(adapter, erp, seed)
            told = "\n".join(one.decode("utf-8", "replace") for one in erp.told)
            assert not wrong, f"FUZZ_SEED={seed}: {wrong}\n{told}"


@pytest.mark.parametrize(("style", "version", "lines"), SOAP)
def test_a_mutated_envelope_refuses_and_doubles_nothing(
    tmp_path: Path, style: str, version: str, lines: str
) -> None:
    judge(soap_wire(style, version), soap_adapter(style, version, lines), tmp_path)


def test_a_mutated_answer_of_netsuite_refuses_and_doubles_nothing(tmp_path: Path) -> None:
    judge(netsuite_wire(*_recorded(tmp_path)), netsuite_adapter, tmp_path)


@pytest.mark.parametrize("lines", JSON)
def test_mutated_json_refuses_and_doubles_nothing(tmp_path: Path, lines: str) -> None:
    judge(json_wire(), json_adapter(lines), tmp_path)


def _recorded(folder: Path) -> tuple[bytes, bytes]:
    """What NetSuite's stand-in answers to an order, and to the question for it."""
    answers: list[bytes] = []
    with NetSuiteServer.start() as real:

        def passed_on(received: Received) -> list[bytes]:
            answers.append(_asked(real.url, received))
            return answer(200, answers[-1], Content_Type="text/xml")

        with scripted_server(passed_on) as between:
            adapter = netsuite_adapter(folder, between.url)
            order = placed(simple_order())
            adapter.push([order])
            adapter.probe("orders", [order.ref])
            adapter.close()
    booked, found = answers
    return booked.replace(b"SO-100001", b"SO-1"), found.replace(b"SO-100001", b"SO-1")


def _asked(url: str, received: Received) -> bytes:
    headers = {"Content-Type": "text/xml", "SOAPAction": received.header("SOAPAction") or ""}
    return requests.post(url, data=received.body, headers=headers, timeout=20).content
