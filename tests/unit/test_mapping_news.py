"""What the ERP tells by itself, in a file of calls: how `changes` and `list` become rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import pytest

from adapters.calls.declared import Calls
from adapters.calls.dialect import Dialect
from adapters.calls.mapping import read_calls
from adapters.calls.row_form import UnreadableField
from adapters.calls.row_values import value_reader
from adapters.language.filters import ExpressionError
from adapters.rest.call import RESPONSE, HttpCall, read_http_call
from sidecar.documents import read_document
from sidecar.domains import SPECS
from sidecar.domains.prices.news import PriceLevel, TierPrice
from sidecar.domains.shipments.news import Delivery, ShippedLine, Track
from sidecar.domains.stock.news import StockLevel
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.ports import ShopContext

EXAMPLE = Path(__file__).parents[3] / "shared" / "examples" / "domains-rest.yaml"
SHOP = ShopContext("main", ZoneInfo("Europe/Berlin"))
SHIPMENTS = """\
tables:
  sources: {W1: default}
shipments:
  changes:
    call: {method: GET, path: /deliveries, query: {since: =since, page: =page}}
    answer: {ok: =response.status == 200, found: =response.body.items, next: =response.body.next}
    each:
      number: =item.no
      order: =item.order
      source_code: =item.warehouse | lookup('sources', default='default')
      items: {$each: line in item.lines, $do: {sku: =line.sku, qty: =line.qty}}
      tracks: {$each: p in item.parcels, $do: {title: Parcel, track_number: =p.no}}
      notify: true
      at: =item.at
"""
DELIVERY: dict[str, Any] = {
    "no": "D-1",
    "order": "000000042",
    "warehouse": "W1",
    "lines": [{"sku": "A", "qty": Decimal("1.5000")}],
    "parcels": [{"no": 4711}],
    "at": "2026-11-30T09:15:00.250+01:00",
}


def read(folder: Path, yaml: str, domains: Sequence[DomainSpec] = SPECS) -> Calls[HttpCall]:
    path = folder / "calls.yaml"
    path.write_text(yaml)
    return read_calls(
        read_document(path), path.name, Dialect(RESPONSE, read_http_call), domains=domains
    )


def problems(folder: Path, yaml: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        read(folder, yaml)
    return [line.removeprefix(f"{folder}/calls.yaml:") for line in error.value.message.splitlines()]


def row(calls: Calls[HttpCall], domain: str, item: object) -> msgspec.Struct:
    telling = calls.domains[domain].changes or calls.domains[domain].whole
    assert telling is not None
    return telling.form.row({"shop": SHOP, "response": None, "item": item})


def unreadable(calls: Calls[HttpCall], domain: str, item: object) -> str:
    with pytest.raises(UnreadableField) as error:
        row(calls, domain, item)
    return error.value.message.rpartition("/")[2]


def stock(folder: Path, each: str) -> Calls[HttpCall]:
    return read(
        folder,
        "stock:\n  changes:\n    call: {method: GET, path: /stock}\n"
        "    answer: {ok: =response.status == 200, found: =response.body}\n"
        f"    each: {each}\n",
    )


def levels(folder: Path) -> Calls[HttpCall]:
    return stock(folder, "{sku: =item.sku, source_code: main, quantity: =item.qty, at: =item.at}")


def test_a_row_has_the_fields_that_the_file_maps_lists_and_constants_included(
    tmp_path: Path,
) -> None:
    assert row(read(tmp_path, SHIPMENTS), "shipments", DELIVERY) == Delivery(
        number="D-1",
        order="000000042",
        source_code="default",
        items=(ShippedLine(qty=Decimal("1.5000"), sku="A"),),
        tracks=(Track(track_number="4711", title="Parcel"),),
        notify=True,
        at=datetime(2026, 11, 30, 8, 15, 0, 250_000, tzinfo=UTC),
    )


def test_what_the_file_does_not_map_is_told_from_what_is_none(tmp_path: Path) -> None:
    yaml = """\
prices:
  changes:
    call: {method: GET, path: /prices}
    answer: {ok: =response.status == 200, found: =response.body}
    each: {sku: =item.sku%s}
"""
    item = {"sku": "A", "promo": None, "scales": [{"from": 5, "price": "9.90"}]}

    bare = row(read(tmp_path, yaml % ""), "prices", item)
    mapped = row(
        read(
            tmp_path,
            yaml % ", special_price: =item.promo, tier_prices: {$each: t in item.scales, "
            "$do: {quantity: =t.from, price: =t.price}}",
        ),
        "prices",
        item,
    )

    assert isinstance(bare, PriceLevel)
    assert bare.special_price is msgspec.UNSET
    assert bare.tier_prices is msgspec.UNSET
    assert (bare.special_from, bare.special_to) == (msgspec.UNSET, msgspec.UNSET)
    assert isinstance(mapped, PriceLevel)
    assert mapped.special_price is None
    assert mapped.tier_prices == (TierPrice(quantity=Decimal(5), price=Decimal("9.90")),)


def test_a_field_whose_condition_is_false_was_not_told(tmp_path: Path) -> None:
    calls = read(
        tmp_path,
        SHIPMENTS.replace("at: =item.at", "at: {$when: item.at is not none, $do: =item.at}"),
    )

    assert row(calls, "shipments", {**DELIVERY, "at": None}).at is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("told", "quantity"),
    [
        ("12.3450", "12.3450"),
        (Decimal("0.1"), "0.1"),
        (7, "7"),
        (" -3 ", "-3"),
        ("1e2", "1E+2"),
    ],
)
def test_a_quantity_is_exact_to_its_last_digit(tmp_path: Path, told: object, quantity: str) -> None:
    level = row(levels(tmp_path), "stock", {"sku": "A", "qty": told, "at": None})

    assert isinstance(level, StockLevel)
    assert str(level.quantity) == quantity


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-11-30T09:15:00Z", datetime(2026, 11, 30, 9, 15, tzinfo=UTC)),
        ("2026-11-30 09:15:00", datetime(2026, 11, 30, 9, 15, tzinfo=UTC)),
        ("2026-11-30T09:15:00.123+05:30", datetime(2026, 11, 30, 3, 45, 0, 123_000, tzinfo=UTC)),
        (
            datetime(2026, 11, 30, 9, 15, tzinfo=timezone(timedelta(hours=1))),
            datetime(2026, 11, 30, 8, 15, tzinfo=UTC),
        ),
        ("", None),
        (None, None),
    ],
)
def test_a_moment_is_of_its_zone_and_without_one_of_utc(
    tmp_path: Path, told: object, moment: datetime | None
) -> None:
    assert row(levels(tmp_path), "stock", {"sku": "A", "qty": 1, "at": told}).at == moment  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("2026-11-30", date(2026, 11, 30)),
        ("2026-11-30T23:30:00", date(2026, 11, 30)),
        ("2026-11-30T23:30:00Z", date(2026, 12, 1)),
    ],
)
def test_a_day_is_the_one_that_is_written_and_of_a_moment_the_shops(
    tmp_path: Path, told: str, day: date
) -> None:
    calls = read(
        tmp_path,
        "prices:\n  list:\n    call: {method: GET, path: /prices}\n"
        "    answer: {ok: =response.status == 200, found: =response.body}\n"
        "    each: {sku: =item.sku, special_from: =item.day}\n",
    )

    assert row(calls, "prices", {"sku": "A", "day": told}).special_from == day  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"qty": "12,5"}, "each.quantity: a text is not a number"),
        ({"qty": None}, "each.quantity: is none"),
        ({"qty": "  "}, "each.quantity: is empty"),
        ({"qty": True}, "each.quantity: a truth value is not a number"),
        ({"qty": "9" * 40}, "each.quantity: the number is beyond all measure"),
        ({"qty": [1]}, "each.quantity: a list is not a number"),
        ({"sku": None}, "each.sku: is none"),
        ({"sku": "x" * 91}, "each.sku: is longer than 90 characters"),
        ({"sku": {"a": 1}}, "each.sku: a mapping is not a text"),
        ({"at": 1_764_460_800}, "each.at: a number is not a moment (2026-11-30T09:15:00Z)"),
        ({"at": "30.11.2026"}, "each.at: a text is not a moment (2026-11-30T09:15:00Z)"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "each.at: is a moment beyond all measure"),
    ],
)
def test_a_value_that_does_not_fit_makes_the_row_unreadable_and_is_not_quoted(
    tmp_path: Path, told: dict[str, object], why: str
) -> None:
    item = {"sku": "SKU-1", "qty": 1, "at": None, **told}

    assert unreadable(levels(tmp_path), "stock", item).endswith(
        f"calls.yaml:5: stock.changes.{why}"
    )


def test_a_name_that_the_erp_pads_is_the_same_name(tmp_path: Path) -> None:
    level = row(levels(tmp_path), "stock", {"sku": "Sku-A   ", "qty": 1, "at": None})

    assert level.sku == "Sku-A"  # type: ignore[attr-defined]


def test_a_domain_of_another_package_may_name_the_words_of_a_field() -> None:
    read = value_reader(Literal["open", "closed"] | None)

    assert read("open", "", UTC) == "open"
    assert read("", "", UTC) is None
    with pytest.raises(ExpressionError, match="is none of open, closed"):
        read("lost", "", UTC)
    with pytest.raises(TypeError, match="no field of the type"):
        value_reader(dict[str, int])


def test_a_line_of_a_row_says_which_it_is(tmp_path: Path) -> None:
    lines = [{"sku": "A", "qty": 1}, {"sku": "B", "qty": "many"}]

    why = unreadable(read(tmp_path, SHIPMENTS), "shipments", {**DELIVERY, "lines": lines})

    assert why == "calls.yaml:11: shipments.changes.each.items[1].qty: a text is not a number"


def test_a_name_that_the_answer_does_not_have_makes_the_row_unreadable(tmp_path: Path) -> None:
    calls = read(tmp_path, SHIPMENTS)
    telling = calls.domains["shipments"].changes
    assert telling is not None
    item = {name: value for name, value in DELIVERY.items() if name != "parcels"}

    why = unreadable(calls, "shipments", item)

    assert "tracks.$each: item.parcels" in why or "'parcels'" in why
    assert telling.form.number({"shop": SHOP, "response": None, "item": item}) == "D-1"


@pytest.mark.parametrize(
    ("good", "bad", "place", "text"),
    [
        ("notify: true", "notfy: true", "13", "has no field 'notfy' here — did you mean 'notify'?"),
        ("qty: =line.qty", "quantity: =line.qty", "11", "has no field 'quantity' here"),
        (", qty: =line.qty", "", "11", "'qty' is missing"),
        ("number: =item.no", "number: D-1", "7", "every row would have the same name: number"),
        ("      number: =item.no\n", "", "7", "'number' is missing"),
        ("      order: =item.order\n", "", "7", "map order or order_reference"),
        ("notify: true", "notify: soon", "13", "a text is not true or false"),
        ("at: =item.at", "at: {a: =item.at}", "14", "this must be one value, not a tree"),
        ("{$each: line in item.lines, $do: {sku: =line.sku, qty: =line.qty}}", "all", "11",
         "this is a list: write $each with $do"),
        ("at: =item.at", "at: =itm.at", "14", "there is no 'itm'"),
        ("since: =since", "since: =ref", "5", "there is no 'ref'"),
        ("    each:", "    eech:", "7", "there is no key 'eech' here — did you mean 'each'?"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused_with_its_line(
    tmp_path: Path, good: str, bad: str, place: str, text: str
) -> None:
    found = problems(tmp_path, SHIPMENTS.replace(good, bad))

    assert any(line.startswith(f"{place}:") and text in line for line in found), found


def test_a_domain_of_which_the_erp_tells_nothing_has_no_changes(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, SHIPMENTS.replace("shipments:", "orders:"))

    assert problem == "4: orders.changes: the ERP tells nothing of orders by itself"


REFUNDS = """\
refunds:
  push:
    on: [refund.issued]
    call: {method: POST, path: /credit-notes, json: {number: =ref}}
    answer: {accepted: =response.status == 201, reference: =response.body.number}
  changes:
    call: {method: GET, path: /returns, query: {since: =since}}
    answer: {ok: =response.status == 200, found: =response.body}
    each: {number: =item.number, order: =item.order}
  list:
    call: {method: GET, path: /credit-notes, query: {since: =since, page: =page}}
    answer: {ok: =response.status == 200, found: =response.body, next: =none}
    each: %s
"""


def test_a_list_is_of_our_documents_or_of_the_erps_by_the_fields_that_it_maps(
    tmp_path: Path,
) -> None:
    ours = read(tmp_path, REFUNDS % "{external: =item.ext, reference: =item.no, total: =item.sum}")
    theirs = read(tmp_path, REFUNDS % "{number: =item.no, order: =item.ext, total: =item.sum}")

    assert (ours.capabilities("refunds").lists, ours.capabilities("refunds").tells_all) == (
        True,
        False,
    )
    assert (theirs.capabilities("refunds").lists, theirs.capabilities("refunds").tells_all) == (
        False,
        True,
    )
    assert ours.capabilities("refunds").tells_changes
    assert ours.capabilities("refunds").subscriptions == {"refund.issued"}


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs ../shared/examples")
class TestExampleOfEveryDomain:
    """`domains-rest.yaml` as it is written."""

    def test_it_is_read_whole(self) -> None:
        document = read_document(EXAMPLE)
        if waiting := _unknown(document.data):
            pytest.skip(f"these domains and events are not there yet: {', '.join(waiting)}")

        calls = read_calls(document, EXAMPLE.name, Dialect(RESPONSE, read_http_call), SPECS)

        assert set(calls.domains) == document.data.keys() - {"tables"}

    def test_what_it_says_of_domains_that_are_there_is_read(self) -> None:
        document = read_document(EXAMPLE)
        known = {
            domain: {name: call for name, call in section.items() if not _unknown_of(domain, call)}
            for domain, section in document.data.items()
            if domain == "tables" or domain in _EVENTS
        }

        calls = read_calls(
            replace(document, data=known), EXAMPLE.name, Dialect(RESPONSE, read_http_call), SPECS
        )

        told = {name for name in calls.domains if calls.capabilities(name).tells_changes}
        assert told >= {"stock", "prices", "shipments", "order_status"}
        assert calls.capabilities("stock").tells_all
        assert calls.capabilities("refunds").lists

    def test_its_rows_become_what_the_domains_take(self) -> None:
        document = read_document(EXAMPLE)
        told = {
            domain: {name: section[name] for name in ("changes", "list") if name in section}
            for domain, section in document.data.items()
            if domain in ("stock", "prices", "shipments", "order_status")
        }
        calls = read_calls(
            replace(document, data={"tables": document.data["tables"], **told}),
            EXAMPLE.name,
            Dialect(RESPONSE, read_http_call),
            SPECS,
        )

        parcel = {"carrier": "GLS", "number": "1Z"}
        delivery = {"deliveryNumber": "D-1", "externalOrder": "000000042", "warehouse": "W2"}
        line = {"externalLine": 7, "sku": "A", "quantity": 2}
        assert row(
            calls, "shipments", {**delivery, "lines": [line], "parcels": [parcel]}
        ) == Delivery(
            number="D-1",
            order="000000042",
            source_code="eu-2",
            items=(ShippedLine(qty=Decimal(2), order_item_id=7, sku="A"),),
            tracks=(Track(track_number="1Z", title="Carrier"),),
            notify=True,
        )


_EVENTS = {spec.name: spec.types for spec in SPECS}


def _unknown_of(domain: str, call: object) -> list[str]:
    events = call.get("on", []) if isinstance(call, dict) else []
    return [event for event in events if event not in _EVENTS.get(domain, ())]


def _unknown(data: dict[str, Any]) -> list[str]:
    """Domains and events of the file that this version does not have."""
    domains = {name: section for name, section in data.items() if name != "tables"}
    missing = [name for name in domains if name not in _EVENTS]
    return missing + [
        event
        for name, section in domains.items()
        if name in _EVENTS
        for call in section.values()
        for event in _unknown_of(name, call)
    ]
