"""The part of the conformance kit that is about the wire: cut, broken, doubled and slow calls.

The rule behind every test: what certainly never reached the ERP is `Retry`; as soon as a byte of it
may have, an outcome that the ERP's own answer does not prove is `Unknown`.
"""
# ruff: noqa: S101  -- these are tests, only shipped

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from sidecar.model.errors import Unavailable
from sidecar.model.outcome import Accepted, Duplicate, Retry, Unknown
from sidecar.ports import ErpAdapter
from sidecar.testing.contract_calls import (
    Erp,
    bookings,
    held,
    probe,
    push_all,
    push_one,
    reference_of,
    require_batches,
    require_probe,
)
from sidecar.testing.contract_domain import ContractDomain
from sidecar.testing.fault_proxy import FaultProxy, WireFault

SECONDS = 30.0
#: Where an answer is cut: nothing, in the status line, in the headers, and (see below) in the body.
_IN_THE_HEAD = (0, 1, 9, 12, 30)


class WireContract:
    """Tests that put the fault proxy between adapter and ERP."""

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        """The adapter for the simulator at `url`."""
        raise NotImplementedError

    @pytest.fixture
    def proxy(self, erp: Erp) -> Iterator[FaultProxy]:
        """A wire that breaks on demand."""
        with FaultProxy(erp.url, seed=20261123) as proxy:
            yield proxy

    @pytest.fixture
    def proxied(self, proxy: FaultProxy) -> Iterator[ErpAdapter]:
        """The adapter under test behind that wire."""
        with closing(self.make_adapter(proxy.url, SECONDS)) as adapter:
            yield adapter

    @pytest.mark.parametrize(
        ("fault", "settings", "booked"),
        [
            ("cut_request", {"bytes": 1}, 0),
            ("cut_request", {}, 0),
            ("cut_before", {}, 0),
            ("cut_before", {"reset": True}, 0),
            ("cut_after", {}, 1),
            ("cut_after", {"reset": True}, 1),
            *(("cut_answer", {"bytes": count}, 1) for count in _IN_THE_HEAD),
            ("cut_answer", {}, 1),
            ("cut_answer", {"reset": True}, 1),
            ("truncate", {}, 1),
        ],
    )
    def test_a_call_that_breaks_after_its_first_byte_is_unknown_and_the_probe_knows(
        self,
        proxied: ErpAdapter,
        proxy: FaultProxy,
        erp: Erp,
        fault: str,
        settings: dict[str, Any],
        booked: int,
        domain: ContractDomain,
    ) -> None:
        proxy.rule(fault, **settings)

        assert isinstance(push_one(proxied, domain.opening()), Unknown)

        proxy.clear()
        assert len(bookings(erp, domain)) == booked
        assert len(probe(proxied, domain)) == booked

    def test_an_erp_that_is_down_has_certainly_got_nothing_and_gets_it_when_it_is_up(
        self, proxied: ErpAdapter, proxy: FaultProxy, erp: Erp, domain: ContractDomain
    ) -> None:
        push_one(proxied, domain.opening("000000041"))
        proxy.down()

        assert isinstance(push_one(proxied, domain.opening()), Retry)

        proxy.up()
        assert isinstance(push_one(proxied, domain.opening()), Accepted)
        assert len(bookings(erp, domain)) == 1

    def test_a_batch_that_breaks_is_unknown_to_the_last(
        self, proxied: ErpAdapter, proxy: FaultProxy, erp: Erp, domain: ContractDomain
    ) -> None:
        require_batches(proxied, domain)
        proxy.rule("cut_answer")

        answers = push_all(proxied, [domain.opening(f"{number:09}") for number in range(1, 5)])

        assert [type(answer.outcome) for answer in answers] == [Unknown] * 4
        assert len(held(erp, domain)) == 4

    def test_a_request_that_the_wire_doubled_is_seen_twice_by_the_probe(
        self, proxied: ErpAdapter, proxy: FaultProxy, erp: Erp, domain: ContractDomain
    ) -> None:
        proxy.rule("duplicate", times=1)

        outcome = push_one(proxied, domain.opening())

        booked = [document.number for document in bookings(erp, domain)]
        assert isinstance(outcome, Accepted | Duplicate), outcome
        assert [found.reference for found in probe(proxied, domain)] == booked

    @pytest.mark.parametrize("fault", ["delay_request", "delay_answer", "dribble"])
    def test_a_slow_wire_is_waited_for(
        self, proxied: ErpAdapter, proxy: FaultProxy, erp: Erp, fault: str, domain: ContractDomain
    ) -> None:
        proxy.rule(fault, seconds=0.3)

        outcome = push_one(proxied, domain.opening())

        [document] = bookings(erp, domain)
        assert reference_of(outcome) == document.number

    @pytest.mark.parametrize(
        ("fault", "settings"),
        [
            ("cut_before", {}),
            ("cut_after", {"reset": True}),
            *(("cut_answer", {"bytes": count}) for count in _IN_THE_HEAD),
            ("cut_answer", {"bytes": 60}),
            ("cut_answer", {"bytes": 90}),
            ("cut_answer", {"bytes": 120}),
            ("cut_answer", {}),
            ("truncate", {}),
        ],
    )
    def test_a_question_whose_answer_breaks_never_says_that_there_is_nothing(
        self,
        proxied: ErpAdapter,
        proxy: FaultProxy,
        fault: str,
        settings: dict[str, Any],
        domain: ContractDomain,
    ) -> None:
        require_probe(proxied, domain)
        push_one(proxied, domain.opening())
        proxy.rule(fault, **settings)

        with pytest.raises(Unavailable):
            proxied.probe(domain.name, [domain.ref])

    def test_on_a_wire_that_breaks_at_random_no_outcome_lies(
        self, proxied: ErpAdapter, proxy: FaultProxy, erp: Erp, domain: ContractDomain
    ) -> None:
        for fault in (fault for fault in WireFault if fault is not WireFault.DUPLICATE):
            proxy.rule(fault, probability=0.12, seconds=0.01)
        outcomes: Counter[type] = Counter()

        for number in (f"{number:09}" for number in range(1, 61)):
            outcome = push_one(proxied, domain.opening(number))
            references = [one.number for one in bookings(erp, domain, domain.ref_of(number))]
            outcomes[type(outcome)] += 1
            if isinstance(outcome, Accepted):
                assert [outcome.booked.reference] == references
            elif isinstance(outcome, Retry):
                assert references == []
            else:
                assert isinstance(outcome, Unknown), outcome

        assert outcomes[Accepted] > 5
        assert outcomes[Unknown] > 5
