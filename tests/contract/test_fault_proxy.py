"""The fault proxy before the ERP simulator: what reaches the ERP, and what the client sees."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from sidecar.testing.fault_proxy import FaultProxy, Passage, WireFault
from tests.contract.scripted_server import CLOSE, scripted_server

ORDERS = "/api/v2/sales-orders"
NUMBER = "000000042"


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def proxy(erp: ErpSimClient) -> Iterator[FaultProxy]:
    with FaultProxy(erp.url, seed=7) as running:
        yield running


class Client:
    """A connection to the proxy that stays open from request to request."""

    def __init__(self, proxy: FaultProxy) -> None:
        parts = urlsplit(proxy.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)

    def book(self, number: str = NUMBER) -> tuple[int, Any]:
        order = {"externalNumber": number, "lines": [{"sku": "A", "quantity": 1, "unitPrice": 2}]}
        return self._send("POST", ORDERS, json.dumps(order))

    def find(self, number: str = NUMBER) -> tuple[int, Any]:
        return self._send("GET", f"{ORDERS}?externalNumber={number}", None)

    def close(self) -> None:
        self._connection.close()

    def _send(self, method: str, path: str, body: str | None) -> tuple[int, Any]:
        self._connection.request(method, path, body)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[Client]:
    client = Client(proxy)
    yield client
    client.close()


def test_without_a_rule_everything_passes_on_one_connection(
    erp: ErpSimClient, proxy: FaultProxy, client: Client
) -> None:
    status, document = client.book()
    found = client.find()[1]["items"]
    assert (status, [each["number"] for each in found]) == (201, [document["number"]])
    assert proxy.passages() == [
        Passage("POST", ORDERS, None),
        Passage("GET", f"{ORDERS}?externalNumber={NUMBER}", None),
    ]


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    ("fault", "booked"),
    [("cut_before", 0), ("cut_request", 0), ("cut_after", 1), ("cut_answer", 1)],
)
def test_a_cut_leaves_the_client_without_an_answer_and_the_erp_as_far_as_it_got(
    erp: ErpSimClient, proxy: FaultProxy, client: Client, fault: str, booked: int, reset: bool
) -> None:
    proxy.rule(fault, reset=reset, times=1)
    with pytest.raises((OSError, http.client.HTTPException)) as broken:
        client.book()
    if reset:
        assert isinstance(broken.value, ConnectionResetError)
    client.close()
    client.find()  # the ERP has read what came before
    assert len(erp.bookings(NUMBER)) == booked


@pytest.mark.parametrize("count", [0, 1, 60, 150])
def test_an_answer_is_cut_after_so_many_bytes(
    erp: ErpSimClient, proxy: FaultProxy, client: Client, count: int
) -> None:
    proxy.rule("cut_answer", bytes=count)
    # http.client takes the end of the connection for the end of the head: an empty body then.
    with pytest.raises((http.client.HTTPException, json.JSONDecodeError)):
        client.book()
    assert len(erp.bookings(NUMBER)) == 1


def test_a_truncated_answer_is_well_counted_and_broken_json(
    erp: ErpSimClient, proxy: FaultProxy, client: Client
) -> None:
    proxy.rule("truncate", times=1)
    with pytest.raises(json.JSONDecodeError):
        client.book()
    assert client.find()[0] == 200, "the connection is still good"


def test_a_doubled_request_reaches_the_erp_twice_and_has_one_answer(
    erp: ErpSimClient, proxy: FaultProxy, client: Client
) -> None:
    proxy.rule("duplicate", method="POST")
    _, document = client.book()
    assert [each.number for each in erp.bookings(NUMBER)] == ["SO-100001", "SO-100002"]
    assert document["number"] == "SO-100002"


@pytest.mark.parametrize("fault", ["delay_request", "delay_answer", "dribble"])
def test_a_slow_wire_brings_the_whole_answer_late(
    erp: ErpSimClient, proxy: FaultProxy, client: Client, fault: str
) -> None:
    proxy.rule(fault, seconds=0.2)
    started = time.monotonic()
    status, _ = client.book()
    assert status == 201
    assert time.monotonic() - started >= 0.19


def test_an_erp_that_is_down_refuses_connections_until_it_is_up_again(
    erp: ErpSimClient, proxy: FaultProxy, client: Client
) -> None:
    client.book()
    proxy.down()
    client.close()
    with pytest.raises(ConnectionRefusedError):
        client.find()
    client.close()
    proxy.up()
    assert client.find()[0] == 200


def test_going_down_breaks_what_is_under_way(
    erp: ErpSimClient, proxy: FaultProxy, client: Client
) -> None:
    proxy.rule("delay_answer", seconds=60)
    failures: list[Exception] = []

    def book() -> None:
        try:
            client.book()
        except (OSError, http.client.HTTPException) as broken:
            failures.append(broken)

    thread = threading.Thread(target=book)
    thread.start()
    while not erp.bookings(NUMBER):
        thread.join(0.01)
    proxy.cut()
    thread.join()
    assert len(failures) == 1


def test_a_rule_strikes_what_it_names_and_as_often_as_it_says(
    erp: ErpSimClient, proxy: FaultProxy, client: Client
) -> None:
    proxy.rule("duplicate", method="POST", path="*/sales-orders", nth=2)
    for number in ("1", "2", "3"):
        client.book(number)
        client.find(number)
    assert [len(erp.bookings(number)) for number in ("1", "2", "3")] == [1, 2, 1]


def test_one_seed_gives_one_series_of_faults(erp: ErpSimClient) -> None:
    def series(seed: int) -> list[WireFault | None]:
        with FaultProxy(erp.url, seed=seed) as proxy:
            client = Client(proxy)
            proxy.rule("duplicate", probability=0.3)
            proxy.rule("truncate", probability=0.3)
            for number in range(20):
                try:
                    client.book(str(number))
                except json.JSONDecodeError:
                    continue
            client.close()
            return [passage.fault for passage in proxy.passages()]

    first = series(1)
    assert first == series(1) != series(2)
    assert set(first) == {None, WireFault.DUPLICATE, WireFault.TRUNCATE}


def test_chunks_and_answers_without_a_count_pass_whole() -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello world",
    ]
    for answer in answers:
        with (
            scripted_server(lambda _, answer=answer: [answer, CLOSE]) as server,  # type: ignore[misc]
            FaultProxy(server.url) as proxy,
        ):
            parts = urlsplit(proxy.url)
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
            connection.request("POST", "/", iter([b"a", b"bc"]), encode_chunked=True)
            assert connection.getresponse().read() == b"hello world"
            connection.close()


def test_an_unknown_fault_or_setting_is_refused(proxy: FaultProxy) -> None:
    with pytest.raises(UsageError, match="cut_behind"):
        proxy.rule("cut_behind")
    with pytest.raises(UsageError, match="byte"):
        proxy.rule("cut_answer", byte=3)
    with pytest.raises(UsageError, match="plain HTTP"):
        FaultProxy("https://127.0.0.1/")


def test_it_leaves_no_thread_behind(erp: ErpSimClient) -> None:
    with FaultProxy(erp.url) as proxy:
        client = Client(proxy)
        proxy.rule("delay_answer", seconds=60, nth=2)
        client.book()
        assert [thread for thread in threading.enumerate() if thread.name == "fault-proxy"]
    client.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "fault-proxy"]
