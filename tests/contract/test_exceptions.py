"""Documents that go by another file of calls: to the same ERP, until a day, and never by guess."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest

from sidecar.app.erp_adapters import check_adapters, load_adapter
from sidecar.model.errors import BadData, ConfigurationError, Unavailable
from sidecar.model.outcome import Accepted, Unmapped
from sidecar.ports import Delivery, ErpAdapter, Link, Previewing
from sidecar.settings.load import load
from sidecar.testing.erpsim import ErpSim
from sidecar.testing.sample_order import canceled, placed, simple_order

CALLS = resources.files("sidecar.testing.demo").joinpath("calls.yaml").read_text("utf-8")
EXPORT = CALLS.replace("currency: =order.order", "customs: yes\n        currency: =order.order")
CONFIGURATION = """\
version: 1
shop: {{timezone: Europe/Berlin, database: {{user: m2, password: {{file: password}}}}}}
erp: {{adapter: rest.generic, url: {url}, calls: calls.yaml}}
owners: {{finance: {{name: Finance, contact: finance@example.com}}}}
domains: {{orders: {{every: 1s}}}}
exceptions:
  - domain: orders
    when: "order.customer_group_code == 'EXPORT'"
    calls: export.yaml
    owner: finance
    reason: Customs number
    expires: 2099-06-30
"""


@pytest.fixture
def erp() -> Iterator[ErpSim]:
    sim = ErpSim.start(duplicates="none")
    yield sim
    sim.stop()


@pytest.fixture
def folder(tmp_path: Path, erp: ErpSim) -> Path:
    (tmp_path / "sidecar.yaml").write_text(CONFIGURATION.format(url=erp.url), "utf-8")
    (tmp_path / "calls.yaml").write_text(CALLS, "utf-8")
    (tmp_path / "export.yaml").write_text(EXPORT, "utf-8")
    return tmp_path


Open = Callable[[], ErpAdapter]


@pytest.fixture
def opened(folder: Path) -> Iterator[Open]:
    made: list[ErpAdapter] = []

    def open_() -> ErpAdapter:
        loaded = load(folder / "sidecar.yaml")
        made.append(load_adapter(loaded.settings, "main", origin=loaded.origin))
        return made[-1]

    yield open_
    for adapter in made:
        adapter.close()


def edited(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, "utf-8")


def order(number: str, group: str = "General") -> Delivery:
    return placed(simple_order(number, customer_group_code=group))


def outcomes(adapter: ErpAdapter, *batch: Delivery) -> dict[str, object]:
    return {
        result.delivery.ref: result.outcome
        for call in adapter.push(batch)
        for result in call.results
    }


def refused(open_: Open) -> str:
    with pytest.raises(ConfigurationError) as raised:
        open_()
    return raised.value.message


def test_a_batch_is_sorted_out_and_each_goes_by_its_own_file(opened: Open, erp: ErpSim) -> None:
    came = outcomes(opened(), order("1"), order("2", "EXPORT"), order("3"))

    assert all(isinstance(one, Accepted) for one in came.values())
    assert {one.external: "customs" in one.other for one in erp.documents()} == {
        "1": False, "2": True, "3": False,
    }  # fmt: skip


def test_what_an_exception_that_is_over_would_take_is_parked_and_goes_no_other_way(
    folder: Path, opened: Open, erp: ErpSim
) -> None:
    edited(folder / "sidecar.yaml", ("2099-06-30", "2026-01-31"))

    came = outcomes(opened(), order("1"), order("2", "EXPORT"))

    assert isinstance(came["1"], Accepted)
    assert isinstance(parked := came["2"], Unmapped)
    assert "the exception 'Customs number' (" in parked.message
    assert "was good until 2026-01-31; set a later day" in parked.message
    assert [one.external for one in erp.documents()] == ["1"]


def test_an_event_of_which_it_cannot_be_told_is_parked(
    folder: Path, opened: Open, erp: ErpSim
) -> None:
    edited(folder / "sidecar.yaml", ("order.customer_group_code ==", "order.items[7].sku =="))

    assert isinstance(parked := outcomes(opened(), order("1"))["1"], Unmapped)
    assert "cannot be told" in parked.message
    assert not erp.documents()


def test_what_only_the_files_of_exceptions_do_not_carry_is_parked_and_stops_nothing(
    folder: Path, opened: Open
) -> None:
    edited(folder / "export.yaml", ("on: [order.canceled]", "on: [order.held]"))
    cancel = canceled(simple_order("1", customer_group_code="EXPORT"), Link("SO-1"))

    assert isinstance(parked := outcomes(opened(), cancel)["1"], Unmapped)
    assert f"no call for order.canceled in {folder / 'export.yaml'}" in parked.message
    [warning] = [
        one
        for one in check_adapters(load(folder / "sidecar.yaml").settings).warnings
        if "order.canceled" in one
    ]
    assert "of what the exception 'Customs number' (exceptions.0) takes they are parked" in warning


def test_an_account_that_tells_the_erp_of_no_end_is_told(folder: Path) -> None:
    def told() -> list[str]:
        found = check_adapters(load(folder / "sidecar.yaml").settings).warnings
        return [one for one in found if "will not learn of it" in one]

    assert told() == []
    for name in ("calls.yaml", "export.yaml"):
        edited(folder / name, ("on: [order.canceled]", "on: [order.held]"))
    [warning] = told()
    assert "no call of orders takes order.canceled" in warning


def test_the_erp_is_asked_by_the_other_file_for_what_the_first_does_not_find(
    folder: Path, opened: Open, erp: ErpSim
) -> None:
    outcomes(opened(), order("1"), order("2", "EXPORT"))
    # The account's own question finds its own documents only, as of another collection.
    edited(
        folder / "calls.yaml",
        ("found: =response.body.items}", "found: '=response.body.items[:0]'}"),
    )

    found = opened().probe("orders", ["1", "2", "3"])

    assert {ref: [one.reference for one in booked] for ref, booked in found.items()} == {
        "1": ["SO-100001"], "2": ["SO-100002"], "3": [],
    }  # fmt: skip


def test_where_one_file_cannot_ask_nothing_counts_as_absent(
    folder: Path, opened: Open, erp: ErpSim
) -> None:
    head, _, tail = EXPORT.partition("  probe:\n")
    (folder / "export.yaml").write_text(head + tail[tail.index("  list:") :], "utf-8")
    assert not opened().capabilities("orders").probe

    (folder / "export.yaml").write_text(EXPORT, "utf-8")
    adapter = opened()
    assert adapter.capabilities("orders").probe
    erp.stop()
    with pytest.raises(Unavailable):
        adapter.probe("orders", ["1"])


def test_a_domain_that_only_exceptions_carry_is_told_and_the_rest_is_parked(
    folder: Path, opened: Open, erp: ErpSim
) -> None:
    (folder / "calls.yaml").write_text(CALLS[CALLS.index("refunds:") :], "utf-8")
    edited(folder / "calls.yaml", ("*line", "{item_id: =line.lineId}"))

    came = outcomes(opened(), order("1"), order("2", "EXPORT"))

    assert isinstance(came["2"], Accepted)
    assert isinstance(parked := came["1"], Unmapped)
    assert "no exception applies: nothing was sent" in parked.message
    warnings = check_adapters(load(folder / "sidecar.yaml").settings).warnings
    assert any("only exceptions carry orders" in one for one in warnings)


def test_a_call_is_shown_with_the_exception_that_makes_it(folder: Path, opened: Open) -> None:
    adapter = opened()
    assert isinstance(adapter, Previewing)

    [shown] = adapter.preview(order("2", "EXPORT"))
    [own] = adapter.preview(order("1"))

    assert shown.exception == (
        f"the exception 'Customs number' ({folder / 'sidecar.yaml'}:7: exceptions.0)"
    )
    assert own.exception is None
    edited(folder / "sidecar.yaml", ("2099-06-30", "2026-01-31"))
    over = opened()
    assert isinstance(over, Previewing)
    with pytest.raises(BadData, match="was good until"):
        over.preview(order("2", "EXPORT"))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("order.customer_group_code", "order.customer_grop_code",
         "sidecar.yaml:8: exceptions.0.when: Order has no field "
         "'customer_grop_code' — did you mean 'customer_group_code'?"),
        ("== 'EXPORT'", "==", "sidecar.yaml:8: exceptions.0.when: "),
        ("calls: export.yaml", "calls: exprt.yaml",
         "sidecar.yaml:9: exceptions.0.calls: "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_file_and_line(
    folder: Path, opened: Open, before: str, after: str, told: str
) -> None:
    edited(folder / "sidecar.yaml", (before, after))
    assert told in refused(opened)


def test_a_file_without_a_call_for_the_domain_is_refused(folder: Path, opened: Open) -> None:
    refunds = CALLS[CALLS.index("refunds:") :].replace("*line", "{item_id: =line.lineId}")
    (folder / "export.yaml").write_text(refunds, "utf-8")
    assert "sidecar.yaml:9: exceptions.0.calls: " in (told := refused(opened))
    assert "has no call for orders" in told


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("      total: =", "no answer has a `total`, nor does `probe`"),
        ("  list:\n", "the file of calls has no `list`"),
    ],
)
def test_what_is_of_high_risk_needs_its_proof(
    folder: Path, opened: Open, without: str, told: str
) -> None:
    edited(folder / "sidecar.yaml", ("{orders: {every: 1s}}", "{orders: {risk: high}}"))
    opened()
    orders, _, refunds = CALLS.partition("refunds:")
    if without.startswith("  list"):
        orders = orders[: orders.index(without)]
    else:
        orders = "".join(line for line in orders.splitlines(True) if without not in line)
    (folder / "calls.yaml").write_text(f"{orders}\nrefunds:{refunds}", "utf-8")
    (folder / "export.yaml").write_text(f"{orders}\nrefunds:{refunds}", "utf-8")

    message = refused(opened)

    assert (
        f"{folder / 'sidecar.yaml'}:5: domains.orders.risk: the risk of orders is high" in message
    )
    assert told in message


def test_the_end_of_an_exception_is_told_beforehand(folder: Path) -> None:
    with closing(load_adapter(load(folder / "sidecar.yaml").settings, "main")):
        pass
    loaded = load(folder / "sidecar.yaml")
    assert not check_adapters(loaded.settings, origin=loaded.origin).warnings
    edited(folder / "sidecar.yaml", ("2099-06-30", "2026-01-31"))
    loaded = load(folder / "sidecar.yaml")
    [warning] = check_adapters(loaded.settings, origin=loaded.origin).warnings
    assert warning == (
        f"{folder / 'sidecar.yaml'}:12: exceptions.0.expires: the exception 'Customs number' was "
        "good until 2026-01-31: what it would take of orders is parked "
        "[Finance (finance@example.com)]"
    )
