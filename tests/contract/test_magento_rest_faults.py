"""What goes wrong on demand: what the wire shows, and what Magento's tables hold afterwards."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from sidecar.testing.magento_db import Line, PrivateServer, Shop, create_magento
from sidecar.testing.magento_rest import MagentoRest, Misbehaviour
from tests.contract.magento_rest_bench import RestBench

IMPATIENCE = 0.4
"""Seconds, of a client that shall not see a late answer."""


def ship(rest: RestBench, order_id: int) -> str:
    """What a client sees of a shipment: a status, or how the connection failed it."""
    try:
        answer = rest.post(f"order/{order_id}/ship", {}, patience=IMPATIENCE)
    except requests.ReadTimeout:
        return "too late"
    except requests.ConnectionError:
        return "closed"
    return str(answer.status)


@pytest.mark.parametrize(
    ("misbehaviour", "shown", "made"),
    [
        (Misbehaviour.DROP_BEFORE, "closed", 0),
        (Misbehaviour.DROP_AFTER, "closed", 1),
        (Misbehaviour.LATE, "too late", 1),
        (Misbehaviour.HANG, "too late", 0),
        (Misbehaviour.HTML_PAGE, "503", 0),
        (Misbehaviour.ERROR_AFTER, "500", 1),
    ],
)
def test_each_misbehaviour_shows_and_leaves_what_it_says(
    rest: RestBench, misbehaviour: Misbehaviour, shown: str, made: int
) -> None:
    order_id = rest.order()
    fault = rest.served.misbehave(misbehaviour, "order/*/ship", method="POST")
    assert ship(rest, order_id) == shown
    assert rest.count("sales_shipment", order_id) == made
    assert fault.struck == 1
    # Only once: the next one is served well.
    assert ship(rest, rest.order()) == "200"


def test_slow_work_begins_late_and_is_done_all_the_same(rest: RestBench) -> None:
    order_id = rest.order()
    rest.served.misbehave(Misbehaviour.SLOW, "order/*/ship", seconds=2 * IMPATIENCE)
    assert ship(rest, order_id) == "too late"
    rest.until_shipped(order_id)
    assert rest.count("sales_shipment", order_id) == 1


def test_a_client_that_goes_away_does_not_stop_the_work(rest: RestBench) -> None:
    order_id = rest.order()
    request = (
        f"POST /rest/V1/order/{order_id}/ship HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {rest.token}\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n{}"
    )
    with socket.create_connection(("127.0.0.1", rest.served.port)) as connection:
        connection.sendall(request.encode())
    rest.until_shipped(order_id)
    assert rest.count("sales_shipment", order_id) == 1


def test_quantities_are_cut_without_a_word(rest: RestBench) -> None:
    order_id = rest.order(Line("MUG", 3))
    (mug,) = [line["item_id"] for line in rest.lines(order_id)]
    rest.served.misbehave(Misbehaviour.CUT_QUANTITIES, "order/*/ship")
    body = {"items": [{"order_item_id": mug, "qty": 3}]}
    assert rest.post(f"order/{order_id}/ship", body).status == 200
    assert rest.shipped(order_id) == [2]


def test_lines_are_left_out_without_a_word(rest: RestBench) -> None:
    rest.served.misbehave(Misbehaviour.DROP_LINES, "inventory/source-items")
    items = [
        {"sku": sku, "source_code": "default", "quantity": 7, "status": 1}
        for sku in ("DESK", "LAMP")
    ]
    assert rest.post("inventory/source-items", {"sourceItems": items}).body == []
    rows = rest.rows("SELECT sku FROM inventory_source_item WHERE quantity = 7")
    assert [row["sku"] for row in rows] == ["DESK"]


def test_a_fault_strikes_its_route_after_so_many_and_so_often(rest: RestBench) -> None:
    rest.served.misbehave(Misbehaviour.HTML_PAGE, "modules", skip=1, times=2, status=502)
    seen = [rest.get(path).status for path in ("store/storeConfigs", *["modules"] * 4)]
    assert seen == [200, 200, 502, 502, 200]


def test_a_fault_without_end_is_cleared(rest: RestBench) -> None:
    rest.served.misbehave(Misbehaviour.HTML_PAGE, times=None)
    assert [rest.get("modules").status for _ in range(2)] == [503, 503]
    rest.served.faults.clear()
    assert rest.get("modules").status == 200


def test_the_requests_are_kept_with_how_they_ended(rest: RestBench) -> None:
    order_id = rest.order()
    rest.served.misbehave(Misbehaviour.DROP_AFTER, "order/*/ship")
    ship(rest, order_id)
    last = rest.served.exchanges[-1]
    assert (last.method, last.target, last.body, last.status) == (
        "POST",
        f"/rest/V1/order/{order_id}/ship",
        b"{}",
        None,
    )


def test_what_the_database_fails_is_an_internal_error_and_nothing_is_done(
    server: PrivateServer,
) -> None:
    database = create_magento(server, "rest_broken")
    with Shop(database) as shop, MagentoRest(shop) as served:
        broken = RestBench(shop, served)
        order_id = broken.order()
        shop.session.execute("DROP", "DROP TABLE inventory_shipment_source")
        answer = broken.post(f"order/{order_id}/ship", {})
        assert answer.status == 500
        assert "Report ID" in answer.message
        assert broken.shipped(order_id) == [0, 0]
        assert broken.count("sales_shipment", order_id) == 0
    database.drop()


# --- as a process


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "sidecar.testing.magento_rest", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(timeout=20)


def test_it_runs_as_a_process_over_a_database_that_is_there(server: PrivateServer) -> None:
    database = create_magento(server, "rest_process", prefix="m2_")
    with Shop(database) as shop:
        order_id = shop.place().entity_id
    arguments = ("--socket", str(server.socket), "--database", "rest_process", "--prefix", "m2_")
    with process(*arguments) as running:
        assert running.stdout is not None
        announced = json.loads(running.stdout.readline())
        base = f"{announced['url']}/rest/V1"
        token = requests.post(
            f"{base}/integration/admin/token", json=announced["admin"], timeout=20
        ).json()
        order = requests.get(
            f"{base}/orders/{order_id}", headers={"Authorization": f"Bearer {token}"}, timeout=20
        ).json()
        assert order["increment_id"] == "000000001"
        assert set(announced["integration"]) == {
            "consumer_key", "consumer_secret", "access_token", "access_token_secret",
        }  # fmt: skip
    assert running.returncode == 0
    database.drop()


def test_a_port_that_is_taken_is_said_and_not_traced(server: PrivateServer) -> None:
    database = create_magento(server, "rest_taken")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["--socket", str(server.socket), "--database", "rest_taken", "--port", port]
        done = subprocess.run(
            [sys.executable, "-m", "sidecar.testing.magento_rest", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )
    database.drop()
    assert done.returncode == 69
    assert re.match(r"cannot listen on 127.0.0.1:\d+", done.stderr)
    assert "Traceback" not in done.stderr
