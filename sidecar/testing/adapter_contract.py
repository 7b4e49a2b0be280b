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

Each test is made with each of `domains`: orders, refunds, invoices, shipments, customers, products,
prices, levels and demand of stock; those of what the ERP tells by itself with each of
`told_domains`.  What an adapter cannot do (`capabilities`) is skipped, and what means nothing with
a domain (`ContractDomain.unplayed`), each with the reason.  An adapter's own tests name in
`domains` what it carries, its own domains too.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import pytest

from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.model.outcome import (
    Accepted,
    Rejected,
    Retry,
    Unknown,
)
from sidecar.ports import AdapterSettings, Capabilities, ErpAdapter, ShopContext
from sidecar.testing.answers_contract import AnswersContract
from sidecar.testing.contract_calls import (
    Erp,
    bookings,
    held,
    link_of,
    made_ready,
    misbehave,
    nobody_listens,
    open_sockets,
    plays,
    probe,
    push_all,
    push_one,
    reference_of,
    require,
    require_batches,
)
from sidecar.testing.contract_documents import DOCUMENTS
from sidecar.testing.contract_domain import NUMBER, ContractDomain, Held
from sidecar.testing.contract_news import TOLD_DOMAINS, ToldDomain
from sidecar.testing.contract_records import RECORDS
from sidecar.testing.doubt_contract import DoubtContract
from sidecar.testing.erpsim import Document, ErpSim
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

#: All that the kit sends.
CONTRACT_DOMAINS = (*DOCUMENTS, *RECORDS)
PATIENT = 30.0
IMPATIENT = 0.5


class AdapterContract(
    AnswersContract,
    DoubtContract,
    FiguresContract,
    QuestionsContract,
    TellingContract,
    WireContract,
):
    """Subclass it as `Test…` and say how the adapter is made."""

    #: What is sent.  What each other document belongs to stands before it.
    domains: ClassVar[Sequence[ContractDomain]] = CONTRACT_DOMAINS
    #: What the ERP tells by itself.
    told_domains: ClassVar[Sequence[ToldDomain]] = TOLD_DOMAINS
    _able: ClassVar[Mapping[str, Capabilities]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make each test with each domain.  For pytest."""
        if "domain" in metafunc.fixturenames:
            ids = [domain.title or domain.name for domain in self.domains]
            metafunc.parametrize("domain", self.domains, ids=ids, indirect=True)
        if "told" in metafunc.fixturenames:
            names = [f"news-of-{domain.name}" for domain in self.told_domains]
            metafunc.parametrize("told", self.told_domains, ids=names, indirect=True)

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

    def able(self, url: str) -> Mapping[str, Capabilities]:
        """What the adapter can do in each domain of the kit: asked once for the class."""
        kind = type(self)
        if "_able" not in vars(kind):
            names = [one.name for one in self.domains] + [one.name for one in self.told_domains]
            with closing(self.make_adapter(url, PATIENT)) as adapter:
                kind._able = {name: adapter.capabilities(name) for name in names}
        return kind._able

    def require_call(self, request: pytest.FixtureRequest, url: str) -> None:
        """Skip, before an adapter is made, a test of what it has no call for: most of the kit; and
        of what means nothing with the domain."""
        callspec = getattr(request.node, "callspec", None)
        params = callspec.params if callspec else {}
        for domain in params.values():
            if isinstance(domain, ContractDomain):
                plays(domain, params.get("misbehaviour", ""))
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

    @pytest.fixture
    def domain(self, request: pytest.FixtureRequest, erp: Erp) -> ContractDomain:
        """A domain that the adapter carries; what its documents belong to is in the ERP."""
        wanted: ContractDomain = request.param
        if wanted.spec.parent is None:
            return wanted
        with closing(self.make_adapter(erp.url, PATIENT)) as adapter:
            return made_ready(adapter, wanted, self.domains)

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
    def test_the_books_hold_exactly_what_was_sent(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain, order: Order
    ) -> None:
        outcome = push_one(adapter, domain.opening(order))

        [booked] = bookings(erp, domain, domain.ref_of(order.increment_id))
        assert isinstance(outcome, Accepted), outcome
        assert outcome.booked.reference == booked.number
        assert self.facts(domain, booked) == self.sent(domain, domain.payload(order))
        if isinstance(booked, Document):
            link = domain.parent.link if domain.parent else None
            assert link is None or link.reference == booked.order
            assert booked.submitted_total in (None, order.grand_total)
            assert booked.currency in (None, order.order_currency_code)

    def sent(self, domain: ContractDomain, payload: msgspec.Struct) -> Any:
        """What the books are to hold of it; override it where the ERP writes a name otherwise."""
        return domain.facts(payload)

    def facts(self, domain: ContractDomain, held: Held) -> Any:
        """What the books hold of it, to be compared with what was sent."""
        if not isinstance(held, Document):
            return domain.noted(held)
        return [(line.sku, line.quantity, line.unit_price) for line in self.sold(held)]

    def test_an_amount_of_four_places_is_not_rounded_on_its_way(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        order = sample_order(NUMBER, [SampleLine("A", qty="0.3330", price="3.3333")])

        push_one(adapter, domain.opening(order))

        [booked] = bookings(erp, domain)
        assert self.facts(domain, booked) == domain.facts(domain.payload(order))

    def test_every_character_arrives(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        sku = "Größe \"5\" <&> '日本' 👟 \\ ĳ"
        order = sample_order(NUMBER, [SampleLine(sku, price="1")])

        push_one(adapter, domain.opening(order))

        [booked] = bookings(erp, domain)
        assert self.facts(domain, booked) == domain.facts(domain.payload(order))

    def test_a_document_of_two_hundred_lines_arrives_whole(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        plays(domain, "lines")

        outcome = push_one(adapter, domain.opening(simple_order(NUMBER, lines=200)))

        [document] = erp.bookings(domain.ref)
        assert isinstance(outcome, Accepted), outcome
        assert len(self.sold(document)) == 200

    def test_what_is_sent_again_is_there_once_or_is_booked_again(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        if "double_booking" not in domain.unplayed:
            pytest.skip("a document that is sent again may be a second one: probe shows both")
        first, second = (push_one(adapter, domain.opening()) for _ in range(2))

        [booked] = bookings(erp, domain)
        assert reference_of(first) == reference_of(second) == booked.number

    def test_nothing_to_send_is_no_call(self, adapter: ErpAdapter) -> None:
        assert list(adapter.push([])) == []

    def test_each_delivery_has_one_result_of_its_own(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        refused = domain.ref_of("000000003")
        misbehave(erp, domain, "credit_limit", external=refused)
        batch = [domain.opening(f"{number:09}") for number in (5, 3, 1, 4, 2)]

        answers = push_all(adapter, batch)

        for delivery, answer in zip(batch, answers, strict=True):
            if delivery.ref == refused:
                assert isinstance(answer.outcome, Rejected), answer
            else:
                [booked] = bookings(erp, domain, delivery.ref)
                assert reference_of(answer.outcome) == booked.number

    def test_an_end_reaches_the_document_that_the_link_names(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require(adapter, domain, domain.ends)
        link = link_of(push_one(adapter, domain.opening()))
        assert len(bookings(erp, domain)) == 1

        [answer] = push_all(adapter, [domain.ending(link)])

        assert isinstance(answer.outcome, Accepted), answer
        for ended in bookings(erp, domain):
            assert isinstance(ended, Document), "what is no document is there no more"
            assert ended.state == "CANCELED"

    def test_a_refused_connection_is_certainly_not_sent(self, domain: ContractDomain) -> None:
        with closing(self.make_adapter(nobody_listens(), PATIENT)) as adapter:
            assert isinstance(push_one(adapter, domain.opening()), Retry)

    # Batches

    def test_the_half_of_a_batch_that_was_not_answered_is_unknown(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require_batches(adapter, domain)
        misbehave(erp, domain, "half_batch")
        batch = [domain.opening(f"{number:09}") for number in range(1, 5)]

        answers = push_all(adapter, batch)

        for delivery, answer in zip(batch, answers, strict=True):
            there = bookings(erp, domain, delivery.ref)
            assert isinstance(answer.outcome, Accepted if there else Unknown), answer
        assert len(held(erp, domain)) == 2

    def test_a_batch_whose_answer_is_lost_is_unknown_to_the_last(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        require_batches(adapter, domain)
        misbehave(erp, domain, "accept_then_drop")

        answers = push_all(adapter, [domain.opening(f"{number:09}") for number in range(1, 5)])

        assert [type(answer.outcome) for answer in answers] == [Unknown] * 4
        assert len(held(erp, domain)) == 4

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

        booked = {each.external: each.number for each in held(erp, domain)}
        assert len(held(erp, domain)) == len(batch)
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
        [answered] = push_all(adapter, [domain.opening(simple_order(NUMBER, lines=200))])
        misbehave(erp, domain, "accept_then_drop")
        [lost] = push_all(adapter, [domain.opening("000000043")])

        assert answered.exchange is not None
        assert answered.exchange.status is not None
        assert len(answered.exchange.answer) <= 2_000
        assert lost.exchange is not None
        assert lost.exchange.status is None
