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

Each test is made with each of `contract_domain.CONTRACT_DOMAINS`: orders, refunds, invoices; those
of what the ERP tells by itself with each of `contract_news.TOLD_DOMAINS`.  What an adapter cannot
do (`capabilities`) is skipped.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest

from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
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
from sidecar.ports import AdapterSettings, Capabilities, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import (
    Erp,
    documents,
    link_of,
    made_ready,
    nobody_listens,
    open_sockets,
    probe,
    push_all,
    push_one,
    reference_of,
    require,
    require_batches,
)
from sidecar.testing.contract_domain import CONTRACT_DOMAINS, NUMBER, ContractDomain
from sidecar.testing.contract_news import TOLD_DOMAINS, ToldDomain
from sidecar.testing.doubt_contract import DoubtContract
from sidecar.testing.erpsim import ErpSim
from sidecar.testing.figures_contract import FiguresContract
from sidecar.testing.questions_contract import QuestionsContract
from sidecar.testing.sample_order import (
    SampleLine,
    bundle_order,
    configurable_order,
    foreign_currency_order,
    sample_order,
    simple_order,
)
from sidecar.testing.telling_contract import TellingContract
from sidecar.testing.wire_contract import WireContract

PATIENT = 30.0
IMPATIENT = 0.5
#: What the simulator calls a used-up credit in REST, in SOAP, as Business Central, as NetSuite.
REFUSED = (
    "credit_limit",
    "CREDIT",
    "Application_DialogException",
    "BALANCE_EXCEEDS_CREDIT_LIMIT",
)


class AdapterContract(
    DoubtContract, FiguresContract, QuestionsContract, TellingContract, WireContract
):
    """Subclass it as `Test…` and say how the adapter is made."""

    _able: ClassVar[Mapping[str, Capabilities]]

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        """The adapter for the simulator at `url`; the whole answer must come in `read_timeout`."""
        raise NotImplementedError

    def item_number(self, sku: str) -> str:
        """What the ERP keeps an item under; override it for one that writes it otherwise."""
        return sku

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

    def able(self, url: str) -> Mapping[str, Capabilities]:
        """What the adapter can do in each domain of the kit: asked once for the class."""
        kind = type(self)
        if "_able" not in vars(kind):
            names = [domain.name for domain in (*CONTRACT_DOMAINS, *TOLD_DOMAINS)]
            with closing(self.make_adapter(url, PATIENT)) as adapter:
                kind._able = {name: adapter.capabilities(name) for name in names}
        return kind._able

    def require_call(self, request: pytest.FixtureRequest, url: str) -> None:
        """Skip, before an adapter is made, a test of what it has no call for: most of the kit."""
        callspec = getattr(request.node, "callspec", None)
        for domain in callspec.params.values() if callspec else ():
            if isinstance(domain, ContractDomain):
                if domain.opens not in self.able(url)[domain.name].subscriptions:
                    pytest.skip(f"the adapter has no call for {domain.opens}")
            elif isinstance(domain, ToldDomain) and not self.able(url)[domain.name].tells_changes:
                pytest.skip(f"the adapter does not tell of {domain.name}")

    @pytest.fixture
    def erp(self, request: pytest.FixtureRequest, running_erp: Erp) -> Erp:
        """A simulator with empty books and good manners."""
        self.require_call(request, running_erp.url)
        running_erp.reset()
        return running_erp

    @pytest.fixture(params=CONTRACT_DOMAINS, ids=lambda domain: domain.name)
    def domain(self, request: pytest.FixtureRequest, erp: Erp) -> ContractDomain:
        """A domain that the adapter carries; what its documents belong to is in the ERP."""
        with closing(self.make_adapter(erp.url, PATIENT)) as adapter:
            return made_ready(adapter, request.param, CONTRACT_DOMAINS)

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
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain, order: Order
    ) -> None:
        payload = domain.made_of(order)

        outcome = push_one(adapter, domain.opening(payload))

        [document] = erp.bookings(domain.ref_of(order.increment_id))
        assert isinstance(outcome, Accepted), outcome
        assert outcome.booked.reference == document.number
        link = domain.parent.link if domain.parent else None
        assert link is None or link.reference == document.order
        assert document.submitted_total in (None, order.grand_total)
        assert document.currency in (None, order.order_currency_code)
        assert [(line.sku, line.quantity, line.unit_price) for line in self.sold(document)] == [
            (self.item_number(sku), qty, price) for sku, qty, price in domain.sold(payload)
        ]

    def test_an_amount_of_four_places_is_not_rounded_on_its_way(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        order = sample_order(NUMBER, [SampleLine("A", qty="7", price="3.3333")])

        push_one(adapter, domain.opening(domain.made_of(order)))

        [document] = erp.bookings(domain.ref)
        assert document.lines[0].unit_price == Decimal("3.3333")

    def test_every_character_arrives(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        sku = "Größe \"5\" <&> '日本' 👟 \\ ĳ"

        order = sample_order(NUMBER, [SampleLine(sku, price="1")])
        push_one(adapter, domain.opening(domain.made_of(order)))

        [document] = erp.bookings(domain.ref)
        assert [line.sku for line in self.sold(document)] == [sku]

    def test_a_document_of_two_hundred_lines_arrives_whole(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        outcome = push_one(adapter, domain.opening(domain.document(lines=200)))

        [document] = erp.bookings(domain.ref)
        assert isinstance(outcome, Accepted), outcome
        assert len(self.sold(document)) == 200

    def test_nothing_to_send_is_no_call(self, adapter: ErpAdapter) -> None:
        assert list(adapter.push([])) == []

    def test_each_delivery_has_one_result_of_its_own(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        refused = domain.ref_of("000000003")
        erp.rule("credit_limit", external=refused)
        batch = [domain.opening(f"{number:09}") for number in (5, 3, 1, 4, 2)]

        answers = push_all(adapter, batch)

        for delivery, answer in zip(batch, answers, strict=True):
            if delivery.ref == refused:
                assert isinstance(answer.outcome, Rejected), answer
            else:
                [document] = erp.bookings(delivery.ref)
                assert reference_of(answer.outcome) == document.number

    def test_an_end_reaches_the_document_that_the_link_names(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require(adapter, domain, domain.ends)
        link = link_of(push_one(adapter, domain.opening()))

        [answer] = push_all(adapter, [domain.ending(domain.ends or "", link)])

        assert isinstance(answer.outcome, Accepted), answer
        assert [document.state for document in erp.bookings(domain.ref)] == ["CANCELED"]

    # What the ERP answers

    def test_a_refusal_has_the_code_and_words_of_the_erp(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        erp.rule("credit_limit")

        outcome = push_one(adapter, domain.opening())

        assert isinstance(outcome, Rejected), outcome
        assert outcome.code in (None, *REFUSED)
        assert "credit" in outcome.message
        assert documents(erp, domain) == []

    def test_a_duplicate_is_no_second_booking(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        erp.rule("duplicate_answer")

        outcome = push_one(adapter, domain.opening())

        assert isinstance(outcome, Duplicate), outcome
        assert outcome.reference in (None, *(each.number for each in erp.bookings(domain.ref)))

    def test_a_draft_is_partial_and_names_its_document(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        erp.rule("draft_on_201")

        outcome = push_one(adapter, domain.opening())

        [document] = erp.bookings(domain.ref)
        assert isinstance(outcome, Partial), outcome
        assert outcome.booked.reference == document.number

    def test_a_throttled_call_says_how_long_to_wait(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        erp.rule("throttle", after=7)

        outcome = push_one(adapter, domain.opening())

        assert isinstance(outcome, Throttled), outcome
        assert outcome.after == 7

    def test_a_busy_erp_is_asked_again(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        erp.rule("busy")

        # Unknown: a gateway that says 503 may have passed the order on.
        assert isinstance(push_one(adapter, domain.opening()), Retry | Unknown)

    def test_a_refused_login_stops_everything(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        erp.rule("unauthorised")

        assert isinstance(push_one(adapter, domain.opening()), Misconfigured)

    def test_a_conflict_is_no_refusal_and_no_success(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        erp.rule("conflict")

        assert isinstance(push_one(adapter, domain.opening()), Conflict | Unknown)

    def test_a_refused_connection_is_certainly_not_sent(self, domain: ContractDomain) -> None:
        with closing(self.make_adapter(nobody_listens(), PATIENT)) as adapter:
            assert isinstance(push_one(adapter, domain.opening()), Retry)

    # Batches

    def test_the_half_of_a_batch_that_was_not_answered_is_unknown(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require_batches(adapter, domain)
        erp.rule("half_batch")
        batch = [domain.opening(f"{number:09}") for number in range(1, 5)]

        answers = push_all(adapter, batch)

        for delivery, answer in zip(batch, answers, strict=True):
            booked = erp.bookings(delivery.ref)
            assert isinstance(answer.outcome, Accepted if booked else Unknown), answer
        assert len(documents(erp, domain)) == 2

    def test_a_batch_whose_answer_is_lost_is_unknown_to_the_last(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require_batches(adapter, domain)
        erp.rule("accept_then_drop")

        answers = push_all(adapter, [domain.opening(f"{number:09}") for number in range(1, 5)])

        assert [type(answer.outcome) for answer in answers] == [Unknown] * 4
        assert len(documents(erp, domain)) == 4

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

    def test_eight_threads_book_each_document_once_and_get_their_own_answers(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        batch = [domain.opening(f"{number:09}") for number in range(1, 41)]

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(lambda delivery: push_one(adapter, delivery), batch))

        booked = {each.external: each.number for each in documents(erp, domain)}
        assert len(documents(erp, domain)) == len(batch)
        assert [reference_of(outcome) for outcome in outcomes] == [
            booked[delivery.ref] for delivery in batch
        ]

    def test_a_closed_adapter_leaves_no_thread_and_no_socket(
        self, erp: Erp, domain: ContractDomain
    ) -> None:
        threads, sockets = threading.active_count(), open_sockets()

        with closing(self.make_adapter(erp.url, PATIENT)) as adapter:
            push_one(adapter, domain.opening())
            probe(adapter, domain)

        assert threading.active_count() == threads
        assert open_sockets() == sockets

    def test_every_attempt_on_the_wire_has_a_short_record(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        [answered] = push_all(adapter, [domain.opening(domain.document(lines=200))])
        erp.rule("accept_then_drop")
        [lost] = push_all(adapter, [domain.opening("000000043")])

        assert answered.exchange is not None
        assert answered.exchange.status is not None
        assert len(answered.exchange.answer) <= 2_000
        assert lost.exchange is not None
        assert lost.exchange.status is None
