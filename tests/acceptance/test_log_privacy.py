"""Canaries in an order, an ERP that repeats them in its own words, and every kind of outcome.

The ERP's words are looked for where they belong, in the ledger, so that the test cannot pass
because nothing was echoed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig

CANARIES: Mapping[str, str] = {
    "firstname": "Kanarienvorname",
    "lastname": "Kanariennachname",
    "street": "Kanariengasse 99",
    "city": "Kanarienstadt",
    "telephone": "0049555123456",
    "email": "kanari@canary.example",
    "ip": "203.0.113.77",
}
WORDS = "refused: " + ", ".join(CANARIES.values())


@dataclass(frozen=True)
class Answer:
    """What the ERP says to a placement; None: it breaks the connection off."""

    status: int | None
    body: Mapping[str, Any]
    then: str


ERROR = {"error": {"code": WORDS, "message": WORDS}}
PROPER = {"error": {"code": "blocked", "message": WORDS}}
OUTCOMES = {
    "rejected": Answer(422, PROPER, "rejected"),
    "rejected with words for a code": Answer(422, ERROR, "rejected"),
    "partial": Answer(201, {"number": "SO-1", "state": "DRAFT", "message": WORDS}, "parked"),
    "duplicate": Answer(409, ERROR, "unknown"),
    "throttled": Answer(429, ERROR, "pending"),
    "retry": Answer(503, ERROR, "unknown"),
    "misconfigured": Answer(400, ERROR, "pending"),
    "unknown": Answer(418, ERROR, "unknown"),
    "broken off": Answer(None, {}, "unknown"),
    "accepted": Answer(
        201,
        {"number": "SO-1", "state": WORDS[:60], "tax": 0, "total": 1, "lines": [], "note": WORDS},
        "accepted",
    ),
}


@contextmanager
def erp_that_says(answer: Answer) -> Iterator[str]:
    """An ERP that has no document when it is asked; gives its address."""

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if answer.status is None:
                self.close_connection = True
                return
            self._reply(answer.status, answer.body)

        def do_GET(self) -> None:
            self._reply(500, ERROR)

        def _reply(self, status: int, body: Mapping[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    desk = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    thread = Thread(target=desk.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{desk.server_port}"
    finally:
        desk.shutdown()
        thread.join()
        desk.server_close()


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "privacy") as installed:
        file = installed.folder / "sidecar.yaml"
        text = file.read_text("utf-8")
        # An e-mail in the address of a call too, as an ERP wants it that looks customers up.
        calls = installed.folder / "calls.yaml"
        calls.write_text(
            calls.read_text("utf-8").replace(
                "path: /sales-orders\n      headers",
                "path: \"='/customers/' ~ order.customer_email ~ '/orders'\"\n      headers",
                1,
            ),
            "utf-8",
        )
        file.write_text(text.replace("breaker: {after: 5", "breaker: {after: 1"), "utf-8")
        yield installed


def place_with_canaries(rig: Rig) -> str:
    with Shop(rig.magento) as shop:
        placed = shop.place()
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sales_order_address SET firstname = %s, lastname = %s, street = %s, city = %s, "
            "telephone = %s, email = %s WHERE parent_id = %s",
            (*[CANARIES[name] for name in ("firstname", "lastname", "street", "city", "telephone",
                                           "email")], placed.entity_id),
        )  # fmt: skip
        cursor.execute(
            "UPDATE sales_order SET customer_email = %s, customer_firstname = %s, "
            "customer_lastname = %s, remote_ip = %s WHERE entity_id = %s",
            (CANARIES["email"], CANARIES["firstname"], CANARIES["lastname"], CANARIES["ip"],
             placed.entity_id),
        )  # fmt: skip
        connection.commit()
    return placed.increment_id


def said(rig: Rig, *arguments: str) -> str:
    """All that a command prints, whatever its exit code says."""
    done = subprocess.run(rig.command(*arguments), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", OUTCOMES)
def test_no_outcome_puts_personal_data_into_the_log_the_status_or_standard_error(
    rig: Rig, name: str
) -> None:
    answer = OUTCOMES[name]
    number = place_with_canaries(rig)
    with erp_that_says(answer) as address:
        file = rig.folder / "sidecar.yaml"
        file.write_text(file.read_text("utf-8").replace(rig.erp.url, address), "utf-8")
        daemon = rig.start()
        told = f"delivery.{answer.then}"
        rig.until(lambda: rig.log_events()[told] > 0)
        daemon.terminate()
        daemon.wait(30)
    log = (rig.folder / "sidecar.log").read_text("utf-8")
    stderr = (rig.folder / "stderr").read_text("utf-8")
    public = log + stderr + said(rig, "status", "--json") + said(rig, "status")
    assert [canary for canary in CANARIES.values() if canary.lower() in public.lower()] == []
    story = said(rig, "order", "show", number, "--no-erp", "--json")
    echoed = answer.status is not None
    assert (WORDS[:40] in story) == echoed, "the ledger should have what the log has not"
