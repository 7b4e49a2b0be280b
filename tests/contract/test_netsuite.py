"""`soap.netsuite` against a NetSuite that is served from its WSDL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.erps.netsuite.adapter import own_address
from adapters.erps.netsuite.token import TokenPassport, account_host, account_id
from adapters.soap.contract import open_contract
from adapters.soap.documents import Documents
from adapters.soap.wsdl import Wsdl
from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_UPDATED
from sidecar.model.errors import ConfigurationError, NotReached, Unavailable
from sidecar.model.outcome import (
    Accepted,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Rejected,
    Throttled,
    Unknown,
    Unmapped,
    name_of,
)
from sidecar.model.secret import Secret
from sidecar.ports import ErpAdapter, Link, Previewing
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import canceled, delivery, placed, simple_order
from tests.contract.netsuite_bench import (
    EXAMPLE,
    SINGLE,
    adapter_settings,
    make_adapter,
    without_customers,
    written,
)
from tests.contract.netsuite_server import OWN_WSDL, TOKEN, NetSuiteServer

NUMBERS = ("000000001", "000000002", "000000003")

Make = Callable[..., ErpAdapter]


@pytest.fixture
def server(netsuite_wsdl: Path) -> Iterator[NetSuiteServer]:
    with NetSuiteServer.start(netsuite_wsdl) as running:
        yield running


@pytest.fixture
def ours() -> Iterator[NetSuiteServer]:
    with NetSuiteServer.start() as running:
        yield running


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """An adapter of a file of calls, or its text."""
    with ExitStack() as adapters:

        def make_one(calls: Path | str, *args: Any, **further: Any) -> ErpAdapter:
            path = written(tmp_path, calls) if isinstance(calls, str) else calls
            return adapters.enter_context(closing(make_adapter(path, *args, **further)))

        yield make_one


def loaded(location: str, calls: Path) -> Wsdl:
    with closing(Documents(adapter_settings(calls, wsdl=location), calls.parent)) as documents:
        return Wsdl.load(location, documents)


def outcomes(adapter: ErpAdapter, *numbers: str) -> list[Outcome]:
    """Of placed orders that are sent together."""
    results = push_all(adapter, [placed(simple_order(number)) for number in numbers])
    return [result.outcome for result in results]


# What it must show


def test_sent_twice_an_order_is_there_once(
    server: NetSuiteServer, make: Make, netsuite_wsdl: Path
) -> None:
    adapter = make(SINGLE, server.url, netsuite_wsdl)

    [first], [second] = outcomes(adapter, NUMBERS[0]), outcomes(adapter, NUMBERS[0])

    [document] = server.documents()
    assert isinstance(first, Accepted)
    assert first.booked.reference == document.number
    assert second == first


def test_of_three_orders_in_a_call_one_is_refused_with_the_code_of_netsuite(
    server: NetSuiteServer, make: Make, netsuite_wsdl: Path, tmp_path: Path
) -> None:
    server.refused[NUMBERS[1]] = ("USER_ERROR", "Please enter value(s) for: Department.")
    adapter = make(without_customers(tmp_path), server.url, netsuite_wsdl)

    found = outcomes(adapter, *NUMBERS)

    assert [name_of(one) for one in found] == ["accepted", "rejected", "accepted"]
    assert found[1] == Rejected(code="USER_ERROR", message="Please enter value(s) for: Department.")
    assert [one.external for one in server.documents()] == [NUMBERS[0], NUMBERS[2]]
    assert server.calls == [("upsertList", NUMBERS)]


def test_too_many_calls_at_once_are_throttled_and_nothing_was_done(
    server: NetSuiteServer, make: Make, netsuite_wsdl: Path
) -> None:
    server.blocked = 1
    adapter = make(SINGLE, server.url, netsuite_wsdl)

    [refused] = outcomes(adapter, NUMBERS[0])
    [again] = outcomes(adapter, NUMBERS[0])

    assert isinstance(refused, Throttled)
    assert "WS_REQUEST_BLOCKED" in refused.message
    assert isinstance(again, Accepted)


def test_of_two_calls_at_once_the_one_too_many_is_throttled(
    ours: NetSuiteServer, make: Make
) -> None:
    ours.allow_at_once(1)
    adapter = make(SINGLE, ours.url)

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda number: outcomes(adapter, number)[0], NUMBERS[:2]))

    assert sorted(map(name_of, found)) == ["accepted", "throttled"]
    assert len(ours.documents()) == 1


def test_a_wrong_token_stops_everything(
    server: NetSuiteServer, make: Make, netsuite_wsdl: Path
) -> None:
    adapter = make(SINGLE, server.url, netsuite_wsdl, {**TOKEN, "token_secret": Secret("another")})

    [outcome] = outcomes(adapter, NUMBERS[0])

    assert outcome == Misconfigured(message="USER_ERROR: Invalid login attempt.")
    assert server.calls == []
    ping = adapter.ping()
    assert (ping.reachable, ping.authorised) == (True, False)


# The token passport


def test_the_signature_is_that_of_netsuite_s_own_example() -> None:
    given = {
        "account": "1234567",
        "consumer_key": "71cc02b731f05895561ef0862d71553a3ac99498a947c3b7beaf4a1e4a29f7c4",
        "consumer_secret": Secret(
            "7278da58caf07f5c336301a601203d10a58e948efa280f0618e25fcee1ef2abd"
        ),
        "token": "89e08d9767c5ac85b374415725567d05b54ecf0960ad2470894a52f741020d82",
        "token_secret": Secret("060cd9ab3ffbbe1e3d3918e90165ffd37ab12acc76b4691046e2d29c7d7674c2"),
    }

    passport = TokenPassport(given, lambda: 1439829974.6, lambda: "6obMKq0tmY8ylVOdEkA1")()

    assert passport["timestamp"] == 1439829974
    assert passport["signature"] == {
        "_value_1": "FCghIZqXNetuZY8ILWOFH0ucdfzQOmAuL+q+kF21zPs=",
        "algorithm": "HMAC-SHA256",
    }


def test_each_call_has_a_passport_of_its_own(ours: NetSuiteServer, make: Make) -> None:
    adapter = make(SINGLE, ours.url)

    outcomes(adapter, *NUMBERS)
    adapter.probe("orders", NUMBERS)

    assert len({one.nonce for one in ours.passports}) == len(ours.passports) == 4
    assert {one.account for one in ours.passports} == {"1234567_SB1"}


@pytest.mark.parametrize("written_as", ["1234567-sb1", "1234567_sb1", "1234567_SB1"])
def test_a_sandbox_is_known_however_its_name_is_written(written_as: str) -> None:
    assert account_id(written_as) == "1234567_SB1"
    assert account_host(written_as) == "1234567-sb1.suitetalk.api.netsuite.com"


def test_calls_go_to_the_account_s_own_address_where_the_wsdl_names_everybody_s(
    ours: NetSuiteServer, tmp_path: Path
) -> None:
    calls = written(tmp_path, SINGLE)
    of_file, served = (loaded(location, calls) for location in (str(OWN_WSDL), f"{ours.url}?wsdl"))

    assert own_address(of_file, "1234567_SB1") == (
        "https://1234567-sb1.suitetalk.api.netsuite.com/services/NetSuitePort_2025_2"
    )
    assert own_address(served, "1234567_SB1") == ""


def test_secrets_are_struck_out_of_what_netsuite_echoes(ours: NetSuiteServer, make: Make) -> None:
    ours.refused[NUMBERS[0]] = ("token-secret", "no: consumer-secret&token-secret")

    [result] = push_all(make(SINGLE, ours.url), [placed(simple_order(NUMBERS[0]))])

    assert isinstance(result.outcome, Rejected)
    assert (result.outcome.code, result.outcome.message) == ("***", "no: ***&***")
    assert result.exchange is not None
    assert "secret" not in result.exchange.answer


def test_the_wsdl_is_described_whatever_the_login_is(tmp_path: Path) -> None:
    """The login stands in the envelope: fetching the WSDL knows nothing of it."""
    asked = adapter_settings(written(tmp_path, SINGLE), auth={"netsuite_token": TOKEN})

    contract = open_contract(str(OWN_WSDL), asked)

    assert contract is not None
    assert contract.check(EXAMPLE, SPECS) == []


def test_a_call_that_is_shown_could_not_be_sent_by_who_sees_it(make: Make) -> None:
    adapter = make(EXAMPLE)
    assert isinstance(adapter, Previewing)

    shown = adapter.preview(placed(simple_order()))[-1]

    assert ">***</" in (shown.body or "")
    assert "000000042" in (shown.shown or "")
    assert "consumer-secret" not in f"{shown.body}{shown.shown}"


# What NetSuite answers


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("USER_ERROR", "rejected"),
        ("INVALID_KEY_OR_REF", "rejected"),
        ("BALANCE_EXCEEDS_CREDIT_LIMIT", "rejected"),
        ("DUP_ENTITY", "rejected"),
        ("DUP_RCRD", "duplicate"),
        ("WS_CONCUR_SESSION_DISALLWD", "throttled"),
        ("CONCURRENCY_LIMIT_EXCEEDED", "throttled"),
        ("RCRD_HAS_BEEN_CHANGED", "conflict"),
        ("INSUFFICIENT_PERMISSION", "misconfigured"),
        ("ACCT_TEMP_UNAVAILABLE", "retry"),
        ("UNEXPECTED_ERROR", "unknown"),
        ("SESSION_TIMED_OUT", "unknown"),
    ],
)
def test_a_record_s_code_says_what_becomes_of_its_order(
    ours: NetSuiteServer, make: Make, tmp_path: Path, code: str, outcome: str
) -> None:
    ours.refused[NUMBERS[1]] = (code, "for a reason")

    found = outcomes(make(without_customers(tmp_path), ours.url), *NUMBERS)

    assert [name_of(one) for one in found] == ["accepted", outcome, "accepted"]


@pytest.mark.parametrize("calls", ["single", "list"])
def test_an_order_that_was_saved_before_a_script_failed_is_booked_in_part(
    ours: NetSuiteServer, make: Make, tmp_path: Path, calls: str
) -> None:
    ours.half_saved.add(NUMBERS[0])
    adapter = make(SINGLE if calls == "single" else without_customers(tmp_path), ours.url)

    [outcome] = outcomes(adapter, NUMBERS[0])

    assert isinstance(outcome, Partial)
    assert outcome.booked.reference == ours.documents()[0].number
    assert "script" in outcome.what
    assert outcome.message == "a script failed after the record was saved"


@pytest.mark.parametrize(
    ("fault", "code", "outcome"),
    [
        ("invalidCredentialsFault", "USER_ERROR", "misconfigured"),
        ("insufficientPermissionFault", "INSUFFICIENT_PERMISSION", "misconfigured"),
        ("exceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED", "throttled"),
        ("exceededRecordCountFault", "MAX_RCRDS_EXCEEDED", "rejected"),
        ("unexpectedErrorFault", "UNEXPECTED_ERROR", "unknown"),
        ("unexpectedErrorFault", "WS_REQUEST_BLOCKED", "throttled"),
    ],
)
def test_a_fault_is_known_by_its_name(
    ours: NetSuiteServer, make: Make, fault: str, code: str, outcome: str
) -> None:
    ours.fails_with = (fault, code)

    [found] = outcomes(make(SINGLE, ours.url), NUMBERS[0])

    assert name_of(found) == outcome


def test_what_the_schema_does_not_allow_is_refused_and_a_batch_is_halved_to_find_it(
    ours: NetSuiteServer, make: Make, tmp_path: Path
) -> None:
    ours.unreadable.add(NUMBERS[2])

    found = outcomes(make(without_customers(tmp_path), ours.url), *NUMBERS)

    assert [name_of(one) for one in found] == ["accepted", "accepted", "rejected"]
    assert isinstance(found[2], Rejected)
    assert found[2].code == "schema"


def test_a_batch_that_is_too_large_at_this_hour_is_halved(
    ours: NetSuiteServer, make: Make, tmp_path: Path
) -> None:
    """The limit falls at peak times: to stop the domain then would stop the shop."""
    ours.most_records = 2

    found = outcomes(make(without_customers(tmp_path), ours.url), *NUMBERS)

    assert [name_of(one) for one in found] == ["accepted"] * 3
    assert [len(asked) for _, asked in ours.calls] == [1, 2]


def test_nothing_at_the_address_is_no_doubt_but_a_mistake(ours: NetSuiteServer, make: Make) -> None:
    ours.rule("not_found")

    [outcome] = outcomes(make(SINGLE, ours.url), NUMBERS[0])

    assert isinstance(outcome, Misconfigured)
    assert "nothing is at the address" in outcome.message


def test_fewer_results_than_records_are_not_believed_at_all(
    ours: NetSuiteServer, make: Make, tmp_path: Path
) -> None:
    ours.rule("half_batch")

    found = outcomes(make(without_customers(tmp_path), ours.url), *NUMBERS)

    assert [name_of(one) for one in found] == ["unknown"] * 3
    assert isinstance(found[0], Unknown)
    assert "1 results for 3 records" in found[0].message


def test_results_of_other_records_are_not_believed(ours: NetSuiteServer, make: Make) -> None:
    ours.spoils = lambda answer: answer.replace(NUMBERS[0].encode(), NUMBERS[1].encode())

    [outcome] = outcomes(make(SINGLE, ours.url), NUMBERS[0])

    assert isinstance(outcome, Unknown)
    assert "other records than were sent" in outcome.message


def test_an_answer_without_a_verdict_is_unknown(ours: NetSuiteServer, make: Make) -> None:
    ours.spoils = lambda answer: answer.replace(b' isSuccess="true"', b"")

    [outcome] = outcomes(make(SINGLE, ours.url), NUMBERS[0])

    assert isinstance(outcome, Unknown)


# The file of calls


def test_a_line_of_the_answer_may_be_replaced(ours: NetSuiteServer, make: Make) -> None:
    calls = SINGLE.replace(
        "  probe:",
        "    answer: {duplicate: \"=response.result.code == 'OUR_SCRIPT_KNOWS_IT'\"}\n  probe:",
    )
    adapter = make(calls, ours.url)
    ours.refused[NUMBERS[0]] = ("OUR_SCRIPT_KNOWS_IT", "there already")

    [known], [booked] = outcomes(adapter, NUMBERS[0]), outcomes(adapter, NUMBERS[1])

    assert isinstance(known, Duplicate)
    assert isinstance(booked, Accepted)


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ("add", "would book a record a second time when an answer is lost; use upsert"),
        ("delete", "would take away what the books hold"),
        ("asyncUpsertList", "stays unknown; use upsertList"),
        ("searchMoreWithId", "fetched by themselves; write search"),
        ("initialize", "upsert the record with createdFrom"),
        ("changePassword", "changes a person's login"),
        ("getSelectValue", "it is of no use here"),
        ("upsrt", "did you mean 'upsert'"),
    ],
)
def test_operations_of_no_use_are_refused_with_line_and_reason(
    make: Make, operation: str, why: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        make(SINGLE.replace("operation: upsert", f"operation: {operation}"))

    assert f"netsuite.yaml:6: orders.place.call.operation: '{operation}' is refused: " in (
        wrong.value.message
    )
    assert why in wrong.value.message


@pytest.mark.parametrize(
    ("instead_of", "written_is", "problem"),
    [
        ("batch: 10", "batch: 201", "orders.probe.batch: this ERP takes 200 in a call at the most"),
        (
            "operation: upsert",
            "operation: upsert\n      header: {tokenPassport: {account: x}}",
            "header.tokenPassport: this part is computed again for each call; leave it out",
        ),
        (
            "operation: getList",
            "operation: get",
            "'get' takes one record; with batch: getList",
        ),
        ("operation: upsert", "operation: [upsert]", "operation: this must be a text"),
        ("call:\n      operation: upsert", "cal:\n      operation: upsert", "'call' is missing"),
    ],
)
def test_a_mistake_in_the_file_is_told_before_anything_is_sent(
    make: Make, instead_of: str, written_is: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        make(SINGLE.replace(instead_of, written_is, 1))

    assert problem in wrong.value.message


def test_an_order_without_an_external_id_is_not_sent(ours: NetSuiteServer, make: Make) -> None:
    calls = SINGLE.replace("externalId: =ref", "externalId: =order.coupon_code", 1)

    [outcome] = outcomes(make(calls, ours.url), NUMBERS[0])

    assert isinstance(outcome, Unmapped)
    assert "no externalId" in outcome.message
    assert ours.calls == []


def test_it_refuses_duplicates_and_can_be_asked(make: Make) -> None:
    can = make(EXAMPLE).capabilities("orders")

    assert (can.dedupe, can.probe, can.lists, can.probe_items) == (True, True, True, True)
    assert (can.batch, can.probe_batch) == (20, 20)
    assert can.subscriptions == {"order.placed", "order.updated", "order.canceled"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"token": {}}, "soap.netsuite needs erp.auth.netsuite_token"),
        ({"wsdl": OWN_WSDL.parent / "stock.wsdl"}, "is not NetSuite's WSDL"),
    ],
)
def test_what_it_cannot_do_without_is_asked_for(
    make: Make, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        make(SINGLE, **given)


def test_a_wsdl_that_netsuite_supports_no_more_is_refused(make: Make, tmp_path: Path) -> None:
    old = tmp_path / "old.wsdl"
    old.write_text(OWN_WSDL.read_text("utf-8").replace("2025_2", "2021_1"), "utf-8")

    with pytest.raises(ConfigurationError, match="is of 2021_1") as wrong:
        make(SINGLE, wsdl=old)
    assert wrong.value.remedy == "name a WSDL of 2023_2 or newer (docs/netsuite.md)"


# The example: customers, changes, cancellations, questions


def test_an_order_s_customer_is_there_before_the_order(
    server: NetSuiteServer, make: Make, netsuite_wsdl: Path
) -> None:
    server.knows_customers = True
    known = simple_order(NUMBERS[0], customer_id=17, customer_is_guest=False)

    results = push_all(
        make(EXAMPLE, server.url, netsuite_wsdl), [placed(known), placed(simple_order())]
    )

    assert [name_of(one.outcome) for one in results] == ["accepted", "accepted"]
    assert list(server.customers) == ["M2C-17", "M2G-000000042"]
    assert server.calls == [
        ("upsert", ("M2C-17",)),
        ("upsert", ("M2G-000000042",)),
        ("upsertList", (NUMBERS[0], "000000042")),
    ]


def test_an_order_whose_customer_is_refused_stays_out_of_the_batch(
    ours: NetSuiteServer, make: Make
) -> None:
    ours.refused["M2G-000000002"] = ("UNIQUE_CUST_EMAIL_REQD", "the address is taken")

    found = outcomes(make(EXAMPLE, ours.url), *NUMBERS)

    assert [name_of(one) for one in found] == ["accepted", "rejected", "accepted"]
    assert found[1] == Rejected(
        code="UNIQUE_CUST_EMAIL_REQD",
        message="first, upsert (NetSuitePort): the address is taken",
    )


def test_a_cancellation_closes_every_line_and_a_change_leaves_the_lines_alone(
    server: NetSuiteServer, make: Make, netsuite_wsdl: Path
) -> None:
    adapter = make(EXAMPLE, server.url, netsuite_wsdl)
    order = simple_order()
    [booked] = outcomes(adapter, order.increment_id)
    assert isinstance(booked, Accepted)
    link = Link(booked.booked.reference)

    [changed] = push_all(adapter, [delivery(order, ORDER_UPDATED, 2, link)])
    assert isinstance(changed.outcome, Accepted)
    assert server.documents()[0].version == 1
    [closed] = push_all(adapter, [canceled(order, link, 3)])

    assert isinstance(closed.outcome, Accepted)
    assert server.documents()[0].state == "CANCELED"
    assert [one.status for one in adapter.probe("orders", [order.increment_id])["000000042"]] == [
        "_closed"
    ]


def test_an_order_that_is_fulfilled_is_not_closed(ours: NetSuiteServer, make: Make) -> None:
    adapter = make(EXAMPLE, ours.url)
    [booked] = outcomes(adapter, "000000042")
    assert isinstance(booked, Accepted)
    ours.books.set_state(booked.booked.reference, "POSTED")

    [result] = push_all(adapter, [canceled(simple_order(), Link(booked.booked.reference))])

    assert result.outcome == Rejected(
        code="USER_ERROR", message="You may not close this transaction."
    )


def test_a_question_tells_figures_and_lines(
    server: NetSuiteServer, make: Make, netsuite_wsdl: Path
) -> None:
    adapter = make(EXAMPLE, server.url, netsuite_wsdl)
    outcomes(adapter, NUMBERS[0])

    found = adapter.probe("orders", NUMBERS)

    [document] = server.documents()
    [booked] = found[NUMBERS[0]]
    assert (booked.total, booked.tax, booked.unread) == (document.total, document.tax, "")
    assert booked.items is not None
    goods = [one.sku for one in document.lines if not one.sku.startswith("MAGENTO-")]
    assert [one.sku for one in booked.items] == goods
    assert [found.get(one, ()) for one in NUMBERS[1:]] == [(), ()]


@pytest.mark.parametrize("code", ["INSUFFICIENT_PERMISSION", "UNEXPECTED_ERROR", "USER_ERROR"])
def test_a_record_that_could_not_be_read_is_not_one_that_is_not_there(
    ours: NetSuiteServer, make: Make, code: str
) -> None:
    ours.refused[NUMBERS[1]] = (code, "for a reason")

    with pytest.raises(Unavailable) as raised:
        make(SINGLE, ours.url).probe("orders", NUMBERS)

    # A right that is missing is missing for every record.
    is_lasting = isinstance(raised.value, NotReached) and raised.value.lasting
    assert is_lasting is (code == "INSUFFICIENT_PERMISSION")


def test_a_list_goes_through_all_pages_of_one_search(
    server: NetSuiteServer, make: Make, netsuite_wsdl: Path
) -> None:
    adapter = make(EXAMPLE, server.url, netsuite_wsdl)
    numbers = [f"{number:09}" for number in range(1, 8)]
    outcomes(adapter, *numbers)
    server.calls.clear()

    page = adapter.list("orders", datetime(2020, 1, 1, tzinfo=UTC))
    rows = list(page.rows)
    while page.next is not None:
        page = adapter.list("orders", datetime(2020, 1, 1, tzinfo=UTC), page.next)
        rows += page.rows

    assert [one.external for one in rows] == numbers
    assert all(one.booked.items for one in rows)
    assert [operation for operation, _ in server.calls] == [
        "search",
        "searchMoreWithId",
        "searchMoreWithId",
    ]
    later = adapter.list("orders", datetime(2999, 1, 1, tzinfo=UTC))
    assert (later.rows, later.next) == ((), None)


def test_a_search_that_does_not_show_what_it_found_is_no_empty_list(
    ours: NetSuiteServer, make: Make
) -> None:
    adapter = make(EXAMPLE, ours.url)
    outcomes(adapter, NUMBERS[0])
    ours.spoils = lambda answer: answer.replace(b"recordList>", b"rowList>")

    with pytest.raises(Unavailable):
        adapter.list("orders", datetime(2020, 1, 1, tzinfo=UTC))


def test_a_ping_asks_for_an_order_that_cannot_be(ours: NetSuiteServer, make: Make) -> None:
    ping = make(SINGLE, ours.url).ping()

    assert (ping.reachable, ping.authorised, ping.message) == (True, True, "")
    assert ours.calls == [("getList", ("erp-sidecar-ping",))]
