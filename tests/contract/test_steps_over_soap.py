"""Orders in steps over SOAP: a login with its token in a header, ids, a draft, its steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.soap import generic
from sidecar.model.outcome import Accepted, Outcome, Retry, Unfinished, Unknown
from sidecar.model.secret import Secret
from sidecar.ports import ErpAdapter
from sidecar.testing.erpsim import STEPS_WSDL, ErpSimClient, serve_in_thread
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.soap_peer import adapter_settings

CALLS = Path(__file__).with_name("mappings") / "steps-soap.yaml"
NUMBER = "000000042"


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread(
        interface="steps", user="shop", password="secret", search_lag=0
    ) as running:
        yield running


@pytest.fixture
def adapter(erp: ErpSimClient) -> Iterator[ErpAdapter]:
    secrets = {"user": Secret("shop"), "password": Secret("secret")}
    endpoint = erp.endpoint("Steps11")
    settings = adapter_settings(CALLS, endpoint, wsdl=str(STEPS_WSDL), secrets=secrets)
    with closing(generic.create(settings)) as made:
        yield made


def push(adapter: ErpAdapter, **fields: Any) -> Outcome:
    calls = adapter.push([placed(simple_order(NUMBER, **fields))])
    [outcome] = [result.outcome for call in calls for result in call.results]
    return outcome


def routes(erp: ErpSimClient) -> list[str]:
    """The operations in their order, those of the session too."""
    return [exchange.route.rpartition("/")[2] for exchange in erp.requests()]


def test_an_order_is_made_in_all_its_steps(erp: ErpSimClient, adapter: ErpAdapter) -> None:
    outcome = push(adapter)

    assert isinstance(outcome, Accepted)
    [document] = erp.bookings(NUMBER)
    assert (outcome.booked.reference, outcome.booked.status) == (document.number, "VALIDATED")
    assert outcome.booked.total == document.total == simple_order(NUMBER).grand_total
    assert outcome.booked.key == document.number.removeprefix("SO-")
    assert routes(erp) == [
        "Login", "FindProducts", "FindProducts", "FindCustomers", "CreateCustomer",
        "CreateOrder", "ValidateOrder",
    ]  # fmt: skip


def test_a_discount_is_set_before_the_validation(erp: ErpSimClient, adapter: ErpAdapter) -> None:
    assert isinstance(push(adapter, discount_amount=Decimal("-2.50")), Accepted)

    assert [(one.state, one.discount) for one in erp.history(NUMBER)] == [
        ("DRAFT", 0),
        ("DRAFT", Decimal("2.5")),
        ("VALIDATED", Decimal("2.5")),
    ]


def test_an_id_that_is_to_be_kept_is_not_asked_for_again(
    erp: ErpSimClient, adapter: ErpAdapter
) -> None:
    push(adapter)
    before = len(erp.requests())
    push(adapter)

    assert routes(erp)[before:] == ["FindCustomers", "CreateOrder", "ValidateOrder"]
    assert len(erp.customers()) == 1


def test_a_session_that_ends_is_made_anew_in_the_middle(
    erp: ErpSimClient, adapter: ErpAdapter
) -> None:
    erp.limit_sessions(requests=2)

    assert isinstance(push(adapter), Accepted)
    assert routes(erp).count("Login") > 1
    assert len(erp.customers()) == len(erp.documents()) == 1
    erp.expire_sessions()
    [found] = adapter.probe("orders", [NUMBER])[NUMBER]
    assert found.status == "VALIDATED"


def test_a_customer_whose_answer_was_lost_is_found_and_not_made_twice(
    erp: ErpSimClient, adapter: ErpAdapter
) -> None:
    erp.rule("accept_then_drop", path="/soap/CreateCustomer", times=1)

    assert isinstance(push(adapter), Retry)
    assert isinstance(push(adapter), Accepted)
    assert len(erp.customers()) == len(erp.documents()) == 1


def test_an_order_whose_answer_was_lost_is_in_doubt(erp: ErpSimClient, adapter: ErpAdapter) -> None:
    erp.rule("accept_then_drop", path="/soap/CreateOrder", times=1)

    assert isinstance(push(adapter), Unknown)
    [found] = adapter.probe("orders", [NUMBER])[NUMBER]
    assert (found.status, found.key) == ("DRAFT", "100001")


def test_a_step_whose_answer_was_lost_leaves_an_order_that_is_accepted_and_unfinished(
    erp: ErpSimClient, adapter: ErpAdapter
) -> None:
    erp.rule("accept_then_drop", path="/soap/ValidateOrder", times=1)

    outcome = push(adapter)

    assert isinstance(outcome, Unfinished)
    assert outcome.booked.reference == "SO-100001"
    [document] = erp.bookings(NUMBER)
    assert document.state == "VALIDATED"
