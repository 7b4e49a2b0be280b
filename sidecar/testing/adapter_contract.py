"""The conformance kit: what every ERP adapter must do when the ERP misbehaves.

`python -m sidecar.testing.run_contract ADAPTER` runs it over any adapter (docs/adapters.md).  Among
the tests of an adapter's own project it is one file for pytest:

    from sidecar.testing.adapter_contract import AdapterContract

    class TestMyErp(AdapterContract):
        def make_adapter(self, url, read_timeout):
            return my_adapter.create(self.adapter_settings(url, read_timeout))

The ERP is `sidecar.testing.erpsim`, the wire to it `sidecar.testing.fault_proxy`.  An adapter that
speaks another language than that brings its own simulator: override `start_erp` with something
that has the methods of `Erp`, whose rules have the names and meanings that
`sidecar.testing.erpsim` documents.

What an adapter cannot do (`capabilities`) is skipped.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_CANCELED
from sidecar.domains.orders.payload import Order
from sidecar.model.errors import NotReached, Unavailable
from sidecar.model.outcome import (
    Accepted,
    Conflict,
    Duplicate,
    Misconfigured,
    Partial,
    Rejected,
    Retry,
    Throttled,
    Unknown,
)
from sidecar.ports import AdapterSettings, ErpAdapter, Link, ShopContext
from sidecar.testing.contract_calls import (
    DOMAIN,
    NUMBER,
    Erp,
    nobody_listens,
    open_sockets,
    probe,
    push_all,
    push_one,
    reference_of,
    require,
    require_batches,
    require_list,
    require_probe,
    wait_for,
    whole_list,
)
from sidecar.testing.erpsim import ErpSim
from sidecar.testing.figures_contract import FiguresContract
from sidecar.testing.sample_order import (
    SampleLine,
    bundle_order,
    canceled,
    configurable_order,
    foreign_currency_order,
    placed,
    sample_order,
    simple_order,
)
from sidecar.testing.wire_contract import WireContract

PATIENT = 30.0
IMPATIENT = 0.5
#: What the simulator calls a used-up credit in REST and in SOAP.
REFUSED = ("credit_limit", "CREDIT")


class AdapterContract(FiguresContract, WireContract):
    """Subclass it as `Test…` and say how the adapter is made."""

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        """The adapter for the simulator at `url`; the whole answer must come in `read_timeout`."""
        raise NotImplementedError

    @classmethod
    def start_erp(cls) -> AbstractContextManager[Erp]:
        """The simulator; lists show three documents a page, so that paging is seen."""
        return ErpSim.start(page_size=3)

    def adapter_settings(self, url: str, read_timeout: float, **further: Any) -> AdapterSettings:
        """What `app` would hand the adapter's factory; `further` are fields of AdapterSettings."""
        shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
        return AdapterSettings(
            url=url,
            connect_timeout=5.0,
            read_timeout=read_timeout,
            shop=shop,
            **further,
            domains=SPECS,
        )

    @pytest.fixture(scope="class")
    @classmethod
    def running_erp(cls) -> Iterator[Erp]:
        """One simulator for all tests of the class."""
        with cls.start_erp() as erp:
            yield erp

    @pytest.fixture
    def erp(self, running_erp: Erp) -> Erp:
        """A simulator with empty books and good manners."""
        running_erp.reset()
        return running_erp

    @pytest.fixture
    def adapter(self, erp: Erp) -> Iterator[ErpAdapter]:
        """The adapter under test, patient enough for a slow machine."""
        with closing(self.make_adapter(erp.url, PATIENT)) as adapter:
            yield adapter

    @pytest.fixture
    def impatient(self, erp: Erp) -> Iterator[ErpAdapter]:
        """The adapter under test with a read time-out of half a second."""
        with closing(self.make_adapter(erp.url, IMPATIENT)) as adapter:
            yield adapter

    # What is sent

    @pytest.mark.parametrize(
        "order",
        [simple_order(), configurable_order(), bundle_order(), foreign_currency_order()],
        ids=["simple", "configurable", "bundle", "foreign-currency"],
    )
    def test_the_books_hold_exactly_what_was_sold(
        self, adapter: ErpAdapter, erp: Erp, order: Order
    ) -> None:
        outcome = push_one(adapter, order)

        [document] = erp.bookings(order.increment_id)
        assert isinstance(outcome, Accepted), outcome
        assert outcome.booked.reference == document.number
        assert document.submitted_total in (None, order.grand_total)
        assert document.currency in (None, order.order_currency_code)
        assert [(line.sku, line.quantity, line.unit_price) for line in self.sold(document)] == [
            (item.sku, item.qty_ordered, item.price) for item in order.sellable_items
        ]

    def test_an_amount_of_four_places_is_not_rounded_on_its_way(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        order = sample_order(NUMBER, [SampleLine("A", qty="7", price="3.3333")])

        push_one(adapter, order)

        [document] = erp.bookings(NUMBER)
        assert document.lines[0].unit_price == Decimal("3.3333")

    def test_every_character_arrives(self, adapter: ErpAdapter, erp: Erp) -> None:
        sku = "Größe \"5\" <&> '日本' 👟 \\ ĳ"

        push_one(adapter, sample_order(NUMBER, [SampleLine(sku, price="1")]))

        [document] = erp.bookings(NUMBER)
        assert [line.sku for line in self.sold(document)] == [sku]

    def test_an_order_of_two_hundred_lines_arrives_whole(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        outcome = push_one(adapter, simple_order(lines=200))

        [document] = erp.bookings(NUMBER)
        assert isinstance(outcome, Accepted), outcome
        assert len(self.sold(document)) == 200

    def test_nothing_to_send_is_no_call(self, adapter: ErpAdapter) -> None:
        assert list(adapter.push([])) == []

    def test_each_delivery_has_one_result_of_its_own(self, adapter: ErpAdapter, erp: Erp) -> None:
        erp.rule("credit_limit", external="000000003")
        orders = [simple_order(f"{number:09}") for number in (5, 3, 1, 4, 2)]

        answers = push_all(adapter, [placed(order) for order in orders])

        for order, answer in zip(orders, answers, strict=True):
            if order.increment_id == "000000003":
                assert isinstance(answer.outcome, Rejected), answer
            else:
                [document] = erp.bookings(order.increment_id)
                assert reference_of(answer.outcome) == document.number

    def test_a_cancellation_reaches_the_document_that_the_link_names(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        require(adapter, ORDER_CANCELED)
        order = simple_order()
        link = Link(reference_of(push_one(adapter, order)))

        [answer] = push_all(adapter, [canceled(order, link)])

        assert isinstance(answer.outcome, Accepted), answer
        assert [document.state for document in erp.bookings(NUMBER)] == ["CANCELED"]

    # What the ERP answers

    def test_a_refusal_has_the_code_and_words_of_the_erp(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        erp.rule("credit_limit")

        outcome = push_one(adapter, simple_order())

        assert isinstance(outcome, Rejected), outcome
        assert outcome.code in (None, *REFUSED)
        assert "credit" in outcome.message
        assert erp.documents() == []

    def test_a_duplicate_is_no_second_booking(self, adapter: ErpAdapter, erp: Erp) -> None:
        erp.rule("duplicate_answer")

        outcome = push_one(adapter, simple_order())

        assert isinstance(outcome, Duplicate), outcome
        assert outcome.reference in (None, *(each.number for each in erp.bookings(NUMBER)))

    def test_a_draft_is_partial_and_names_its_document(self, adapter: ErpAdapter, erp: Erp) -> None:
        erp.rule("draft_on_201")

        outcome = push_one(adapter, simple_order())

        [document] = erp.bookings(NUMBER)
        assert isinstance(outcome, Partial), outcome
        assert outcome.booked.reference == document.number

    def test_a_throttled_call_says_how_long_to_wait(self, adapter: ErpAdapter, erp: Erp) -> None:
        erp.rule("throttle", after=7)

        outcome = push_one(adapter, simple_order())

        assert isinstance(outcome, Throttled), outcome
        assert outcome.after == 7

    def test_a_busy_erp_is_asked_again(self, adapter: ErpAdapter, erp: Erp) -> None:
        erp.rule("busy")

        # Unknown: a gateway that says 503 may have passed the order on.
        assert isinstance(push_one(adapter, simple_order()), Retry | Unknown)

    def test_a_refused_login_stops_everything(self, adapter: ErpAdapter, erp: Erp) -> None:
        erp.rule("unauthorised")

        assert isinstance(push_one(adapter, simple_order()), Misconfigured)

    def test_a_conflict_is_no_refusal_and_no_success(self, adapter: ErpAdapter, erp: Erp) -> None:
        erp.rule("conflict")

        assert isinstance(push_one(adapter, simple_order()), Conflict | Unknown)

    # What cannot be trusted

    def test_a_booking_whose_answer_is_lost_is_unknown_and_the_probe_finds_it_once(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        erp.rule("accept_then_drop", times=1)

        assert isinstance(push_one(adapter, simple_order()), Unknown)

        [document] = erp.bookings(NUMBER)
        assert [each.reference for each in probe(adapter, NUMBER)] == [document.number]

    def test_a_lost_request_is_unknown_and_the_probe_finds_nothing(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        erp.rule("drop_before", times=1)

        assert isinstance(push_one(adapter, simple_order()), Unknown)

        assert erp.bookings(NUMBER) == []
        assert probe(adapter, NUMBER) == ()

    @pytest.mark.parametrize("misbehaviour", ["answer_late", "slow_body"])
    def test_an_answer_that_takes_too_long_is_unknown_and_ends_in_time(
        self, impatient: ErpAdapter, erp: Erp, misbehaviour: str
    ) -> None:
        erp.rule(misbehaviour, seconds=60)
        started = time.monotonic()

        outcome = push_one(impatient, simple_order())

        assert isinstance(outcome, Unknown), outcome
        assert time.monotonic() - started < 20
        wait_for(lambda: erp.bookings(NUMBER))

    @pytest.mark.parametrize(
        "misbehaviour",
        ["truncated_body", "malformed_json", "schema_change", "server_error_after_booking"],
    )
    def test_a_booking_with_an_unusable_answer_is_unknown(
        self, adapter: ErpAdapter, erp: Erp, misbehaviour: str
    ) -> None:
        erp.rule(misbehaviour)

        assert isinstance(push_one(adapter, simple_order()), Unknown)
        assert len(erp.bookings(NUMBER)) == 1

    def test_an_error_inside_a_success_is_no_success(self, adapter: ErpAdapter, erp: Erp) -> None:
        erp.rule("error_in_200")

        assert isinstance(push_one(adapter, simple_order()), Unknown | Rejected)

    @pytest.mark.parametrize("status", [200, 201, 500])
    def test_the_page_of_a_proxy_is_no_word_of_the_erp(
        self, adapter: ErpAdapter, erp: Erp, status: int
    ) -> None:
        erp.rule("html_error", status=status)

        assert isinstance(push_one(adapter, simple_order()), Unknown)

    def test_a_refused_connection_is_certainly_not_sent(self) -> None:
        with closing(self.make_adapter(nobody_listens(), PATIENT)) as adapter:
            assert isinstance(push_one(adapter, simple_order()), Retry)

    # Batches

    def test_the_half_of_a_batch_that_was_not_answered_is_unknown(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        require_batches(adapter)
        erp.rule("half_batch")
        orders = [simple_order(f"{number:09}") for number in range(1, 5)]

        answers = push_all(adapter, [placed(order) for order in orders])

        for order, answer in zip(orders, answers, strict=True):
            booked = erp.bookings(order.increment_id)
            assert isinstance(answer.outcome, Accepted if booked else Unknown), answer
        assert len(erp.documents()) == 2

    def test_a_batch_whose_answer_is_lost_is_unknown_to_the_last(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        require_batches(adapter)
        erp.rule("accept_then_drop")

        answers = push_all(
            adapter, [placed(simple_order(f"{number:09}")) for number in range(1, 5)]
        )

        assert [type(answer.outcome) for answer in answers] == [Unknown] * 4
        assert len(erp.documents()) == 4

    # Questions

    def test_a_probe_for_several_references_keeps_them_apart(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        require_probe(adapter)
        adapter.push([placed(simple_order("000000001")), placed(simple_order("000000002"))])
        asked = ["000000002", "000000003", "000000001"]

        documents = adapter.probe(DOMAIN, asked)

        for ref in asked:
            references = [each.reference for each in documents.get(ref, ())]
            assert references == [each.number for each in erp.bookings(ref)]

    def test_a_probe_shows_every_document_of_a_double_booking(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        require_probe(adapter)
        push_one(adapter, simple_order())
        push_one(adapter, simple_order())

        assert len(probe(adapter, NUMBER)) == len(erp.bookings(NUMBER)) == 2

    @pytest.mark.parametrize(
        ("misbehaviour", "settings"),
        [
            ("html_error", {"status": 200}),
            ("busy", {}),
            ("unauthorised", {}),
            ("drop_before", {}),
            ("truncated_body", {}),
            ("malformed_json", {}),
            ("schema_change", {}),
        ],
    )
    def test_a_probe_that_cannot_be_trusted_never_says_that_there_is_nothing(
        self, adapter: ErpAdapter, erp: Erp, misbehaviour: str, settings: dict[str, Any]
    ) -> None:
        require_probe(adapter)
        push_one(adapter, simple_order())
        erp.rule(misbehaviour, **settings)

        with pytest.raises(Unavailable):
            probe(adapter, NUMBER)

    def test_a_login_that_is_refused_to_a_question_will_be_refused_to_the_next(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        require_probe(adapter)
        erp.rule("unauthorised")

        with pytest.raises(NotReached) as refused:
            probe(adapter, NUMBER)

        assert refused.value.lasting

    def test_the_list_has_every_document_once_over_all_pages(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        require_list(adapter)
        adapter.push([placed(simple_order(f"{number:09}")) for number in range(1, 8)])

        listed = [(row.external, row.booked.reference) for row in whole_list(adapter)]

        assert sorted(listed) == sorted((each.external, each.number) for each in erp.documents())

    def test_the_list_leaves_out_what_did_not_change_since(self, adapter: ErpAdapter) -> None:
        require_list(adapter)
        push_one(adapter, simple_order())

        assert adapter.list(DOMAIN, datetime(2999, 1, 1, tzinfo=UTC)).rows == ()

    @pytest.mark.parametrize("misbehaviour", ["html_error", "truncated_body", "malformed_json"])
    def test_a_list_that_cannot_be_trusted_is_not_taken_for_a_short_one(
        self, adapter: ErpAdapter, erp: Erp, misbehaviour: str
    ) -> None:
        require_list(adapter)
        push_one(adapter, simple_order())
        erp.rule(misbehaviour)

        with pytest.raises(Unavailable):
            whole_list(adapter)

    def test_a_ping_tells_reachable_and_authorised_apart(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        well = adapter.ping()
        erp.rule("unauthorised")
        refused = adapter.ping()
        with closing(self.make_adapter(nobody_listens(), PATIENT)) as cut_off:
            gone = cut_off.ping()

        assert (well.reachable, well.authorised) == (True, True), well
        assert (refused.reachable, refused.authorised) == (True, False), refused
        assert not gone.reachable

    # Threads, sockets, records

    def test_eight_threads_book_each_order_once_and_get_their_own_answers(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        orders = [simple_order(f"{number:09}") for number in range(1, 41)]

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(lambda order: push_one(adapter, order), orders))

        booked = {each.external: each.number for each in erp.documents()}
        assert len(erp.documents()) == len(orders)
        assert [reference_of(outcome) for outcome in outcomes] == [
            booked[order.increment_id] for order in orders
        ]

    def test_a_closed_adapter_leaves_no_thread_and_no_socket(self, erp: Erp) -> None:
        threads, sockets = threading.active_count(), open_sockets()

        with closing(self.make_adapter(erp.url, PATIENT)) as adapter:
            push_one(adapter, simple_order())
            probe(adapter, NUMBER)

        assert threading.active_count() == threads
        assert open_sockets() == sockets

    def test_every_attempt_on_the_wire_has_a_short_record(
        self, adapter: ErpAdapter, erp: Erp
    ) -> None:
        [answered] = push_all(adapter, [placed(simple_order(lines=200))])
        erp.rule("accept_then_drop")
        [lost] = push_all(adapter, [placed(simple_order("000000043"))])

        assert answered.exchange is not None
        assert answered.exchange.status is not None
        assert len(answered.exchange.answer) <= 2_000
        assert lost.exchange is not None
        assert lost.exchange.status is None
