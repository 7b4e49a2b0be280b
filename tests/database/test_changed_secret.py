"""The ERP's password is changed while the daemon runs: the new one is taken up, nothing else is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop, create_magento
from tests.contract.scripted_server import Received, answer, scripted_server
from tests.database.test_bulkhead import Books
from tests.pipeline import Pipeline

ORDERS = 3


class GuardedBooks:
    """An ERP that takes one token; counts what it refused."""

    def __init__(self) -> None:
        self.books = Books()
        self.token = "old"
        self.refused = 0
        self.silent = False

    def __call__(self, request: Received) -> Iterable[bytes] | None:
        if request.header("Authorization") != f"Bearer {self.token}":
            self.refused += 1
            return answer(401, '{"error": {"message": "the token is no longer valid"}}')
        answered = self.books(request)
        return None if self.silent and not request.head.startswith("GET") else answered

    @property
    def booked(self) -> int:
        return len(self.books.documents)


@pytest.fixture
def erp() -> GuardedBooks:
    return GuardedBooks()


@pytest.fixture
def pipeline(server: PrivateServer, tmp_path: Path, erp: GuardedBooks) -> Iterator[Pipeline]:
    magento = create_magento(server, "secret")
    (tmp_path / "token").touch(mode=0o600)
    write(tmp_path, "old")
    with scripted_server(erp) as peer:
        url = f"{peer.url}\n  auth: {{bearer: {{token: {{file: token}}}}}}"
        with Pipeline(magento, tmp_path, url=url) as made:
            yield made
    magento.drop()


def write(folder: Path, token: str) -> None:
    (folder / "token").write_text(f"{token}\n", "utf-8")


def place(pipeline: Pipeline, orders: int = ORDERS) -> None:
    with Shop(pipeline.magento) as shop:
        for _ in range(orders):
            shop.place()


def test_the_new_one_is_taken_up_and_no_order_waits(
    pipeline: Pipeline, tmp_path: Path, erp: GuardedBooks
) -> None:
    erp.token = "new"
    write(tmp_path, "new")
    place(pipeline)

    pipeline.run()

    assert erp.booked == ORDERS
    assert erp.refused == 1
    assert pipeline.stopped() is None
    assert "adapter.renewed" in pipeline.told.names()
    assert pipeline.open_events() == []


def test_one_that_was_not_changed_here_stops_the_domain_which_says_how_it_goes_on(
    pipeline: Pipeline, tmp_path: Path, erp: GuardedBooks
) -> None:
    erp.token = "new"
    place(pipeline, orders=1)

    pipeline.run()

    reason = pipeline.stopped() or ""
    assert "the token is no longer valid" in reason
    assert "systemctl reload erp-sidecar" in reason
    assert (erp.booked, erp.refused) == (0, 1)

    write(tmp_path, "new")
    pipeline.resume()
    pipeline.run()

    assert (erp.booked, erp.refused) == (1, 2), "without a reload too"


def test_one_that_is_wrong_too_is_tried_once(
    pipeline: Pipeline, tmp_path: Path, erp: GuardedBooks
) -> None:
    erp.token = "new"
    write(tmp_path, "misspelled")
    place(pipeline, orders=1)

    pipeline.run()

    assert pipeline.stopped()
    assert erp.refused == 2


def test_one_that_cannot_be_read_leaves_the_former_and_says_so(
    pipeline: Pipeline, tmp_path: Path, erp: GuardedBooks
) -> None:
    erp.token = "new"
    (tmp_path / "token").chmod(0o644)
    place(pipeline, orders=1)

    pipeline.run()

    assert pipeline.stopped()
    [told] = [fields for name, fields in pipeline.told.lines if name == "adapter.not_renewed"]
    assert "chmod 600" in str(told["remedy"])


def test_a_question_whose_login_is_refused_stops_the_domain_at_once_and_is_on_record(
    pipeline: Pipeline, tmp_path: Path, erp: GuardedBooks
) -> None:
    erp.silent = True
    place(pipeline, orders=1)
    pipeline.sweep.full()
    pipeline.work()
    erp.token = "new"

    pipeline.run()

    assert "refuses our login" in (pipeline.stopped() or "")
    assert erp.refused == 1, "one login, not one a try"
    [[outcome, status, excerpt]] = pipeline.sql(
        "SELECT outcome, http_status, answer FROM "
        f"{pipeline.sidecar.names('attempt')} WHERE operation = 'probe'"
    )
    assert (outcome, status) == ("misconfigured", 401)
    assert "the token is no longer valid" in excerpt
    [stop] = [fields for name, fields in pipeline.told.lines if name == "domain.stopped"]
    assert (stop["reason"], stop["http"]) == ("misconfigured", 401)
    assert "systemctl reload" in str(stop["remedy"])

    write(tmp_path, "new")
    pipeline.resume()
    pipeline.run()

    assert pipeline.open_events() == []
    assert (erp.booked, erp.refused) == (1, 2), "the new one is taken up without a reload"


def test_it_serves_the_question_for_what_is_in_doubt_too(
    pipeline: Pipeline, tmp_path: Path, erp: GuardedBooks
) -> None:
    erp.silent = True
    place(pipeline)
    pipeline.sweep.full()
    pipeline.work()
    assert {one.status for one in pipeline.open_events()} == {"unknown"}
    erp.token = "new"
    write(tmp_path, "new")

    pipeline.run()

    assert pipeline.open_events() == []
    assert erp.booked == ORDERS
