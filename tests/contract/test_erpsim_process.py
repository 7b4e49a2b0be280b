"""The ERP simulator as a process of its own: what a kill leaves, how it starts and ends."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests

from sidecar.model.errors import Unavailable, UsageError
from sidecar.testing.erpsim import ErpSim
from sidecar.testing.erpsim.wire import HOST

COMMAND = [sys.executable, "-m", "sidecar.testing.erpsim"]


def body(external: str) -> str:
    line = {"sku": "A", "quantity": 2, "unitPrice": 9.99}
    return json.dumps({"externalNumber": external, "lines": [line]})


def book(erp: ErpSim, external: str) -> str:
    with closing(http.client.HTTPConnection(HOST, erp.port, timeout=10)) as connection:
        connection.request("POST", "/api/v2/sales-orders", body(external))
        return str(json.loads(connection.getresponse().read())["number"])


def test_a_killed_simulator_comes_back_with_its_books() -> None:
    with ErpSim.start(duplicates="upsert") as erp:
        book(erp, "1")
        book(erp, "2")
        erp.set_state("SO-100001", "POSTED")
        before = erp.documents()

        erp.kill()
        with pytest.raises(Unavailable):
            erp.documents()
        address = erp.url
        erp.restart()

        assert erp.url == address
        assert erp.documents() == before
        assert book(erp, "3") == "SO-100003"
        assert book(erp, "2") == "SO-100002", "it still knows whom it booked"


def test_no_answered_booking_dies_with_the_process() -> None:
    answered: list[str] = []
    enough = threading.Event()

    def send(erp: ErpSim, client: int) -> None:
        with closing(http.client.HTTPConnection(HOST, erp.port, timeout=10)) as connection:
            try:
                for turn in range(100_000):
                    connection.request("POST", "/api/v2/sales-orders", body(f"{client}-{turn}"))
                    answered.append(json.loads(connection.getresponse().read())["number"])
                    if len(answered) > 200:
                        enough.set()
            except (OSError, http.client.HTTPException):
                return  # the kill

    with ErpSim.start() as erp, ThreadPoolExecutor(4) as clients:
        senders = [clients.submit(send, erp, client) for client in range(4)]
        assert enough.wait(30)
        erp.kill()
        for sender in senders:
            sender.result()
        erp.restart()

        booked = {document.number for document in erp.documents()}
        assert booked >= set(answered)
        assert len(booked) <= len(answered) + 4, "at most one unanswered booking a client"


def test_half_a_line_at_the_end_of_the_journal_was_never_booked(tmp_path: Path) -> None:
    journal = tmp_path / "books"
    with ErpSim.start(state_file=journal) as erp:
        book(erp, "1")
        erp.kill()
        with journal.open("ab") as file:
            file.write(b'{"number":"SO-100002","ext')
        erp.restart()

        assert [document.number for document in erp.documents()] == ["SO-100001"]
        assert book(erp, "2") == "SO-100002"
        erp.restart()
        assert len(erp.documents()) == 2


def test_a_reset_empties_the_journal_too() -> None:
    with ErpSim.start() as erp:
        book(erp, "1")
        erp.reset()
        erp.restart()

        assert erp.documents() == []
        assert book(erp, "2") == "SO-100001"


def test_a_misbehaviour_that_waits_does_not_hold_up_the_end() -> None:
    with (
        ErpSim.start(rules=["answer_late;seconds=600"]) as erp,
        closing(http.client.HTTPConnection(HOST, erp.port)) as connection,
    ):
        connection.request("POST", "/api/v2/sales-orders", body("1"))
        while not erp.documents():
            pass


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="duplicate"):
        ErpSim.start(duplicate="reject")
    with pytest.raises(UsageError, match="did you mean busy"):
        ErpSim.start(rules=["bussy"])


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    started: dict[str, object] = json.loads(process.stdout.readline())
    return started


def test_the_first_line_tells_where_both_faces_are() -> None:
    with start() as process:
        first = first_line(process)
        answers = [
            requests.get(str(address), timeout=10).status_code
            for address in (f"{first['url']}/sales-orders", first["wsdl"])
        ]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)

    assert answers == [200, 200]


def test_control_c_ends_it_cleanly() -> None:
    with start() as process:
        assert first_line(process)["pid"] == process.pid
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)

    assert (process.returncode, errors) == (0, "")


def test_it_ends_with_the_process_that_started_it() -> None:
    with start("--until-stdin-closes") as process:
        first_line(process)
        _, errors = process.communicate(timeout=10)

    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--rule", "bussy"), 64, "did you mean busy?"),
        (("--state-file", "{held}"), 75, "in use by another simulator"),
        (("--state-file", "{broken}"), 65, "is not a record"),
        (("--port", "{taken}"), 69, "cannot listen"),
    ],
)
def test_a_start_that_fails_says_why(
    tmp_path: Path, arguments: tuple[str, str], code: int, says: str
) -> None:
    (tmp_path / "broken").write_text("{}\n")
    with (
        ErpSim.start(state_file=tmp_path / "held") as other,
        closing(socket.create_server((HOST, 0))) as taken,
    ):
        places = {
            "held": other.state_file,
            "broken": tmp_path / "broken",
            "taken": taken.getsockname()[1],
        }
        with start(*(argument.format(**places) for argument in arguments)) as process:
            _, errors = process.communicate(timeout=10)

    assert process.returncode == code
    assert says in errors
    assert "Traceback" not in errors


def test_help_teaches() -> None:
    with start("--help") as process:
        shown, _ = process.communicate(timeout=10)

    assert process.returncode == 0
    assert "accept_then_drop            closed connection, no answer          the order" in shown
