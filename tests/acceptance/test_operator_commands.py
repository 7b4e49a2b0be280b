"""What an operator does when orders do not go: park, drop, edit, release; and a forgotten pause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from sidecar.cli import main
from sidecar.host.crash_point import VARIABLE
from sidecar.testing.magento_db import PrivateServer, Shop
from sidecar.testing.magento_db.cart import Line
from tests.rig import Rig

#: What `status` says while no daemon works.
NO_DAEMON = "no daemon works (systemctl start erp-sidecar; erp-sidecar doctor)"


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "operator") as installed:
        yield installed


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    output: str
    errors: str


def run(rig: Rig, *arguments: str, typed: str = "") -> Ended:
    """The console script's entry point in this process: ten times as fast as in one of its own."""
    command = ["erp-sidecar", "--config", str(rig.folder / "sidecar.yaml"), *arguments]
    with (
        patch("sys.argv", command),
        patch("sys.stdin", StringIO(typed)),
        redirect_stdout(StringIO()) as output,
        redirect_stderr(StringIO()) as errors,
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert isinstance(end.value.code, int)
    return Ended(end.value.code, output.getvalue(), errors.getvalue())


def ok(rig: Rig, *arguments: str) -> str:
    done = run(rig, *arguments)
    assert done.code == 0, done.errors
    return done.output


def as_json(rig: Rig, *arguments: str, code: int = 0) -> Any:
    done = run(rig, *arguments, "--json")
    assert done.code == code, done.errors
    return json.loads(done.output, parse_float=Decimal)


def refused_with(rig: Rig, code: int, *arguments: str) -> str:
    """What standard error says of a command that ends with `code`."""
    done = run(rig, *arguments)
    assert done.code == code, done.output + done.errors
    return done.errors


def refused_order(rig: Rig, cart: list[Line] | None = None) -> Any:
    """An order that the ERP refused once; it would take it now."""
    rig.erp.rule("credit_limit", times=1)
    with Shop(rig.magento) as shop:
        placed = shop.place(cart) if cart else shop.place()
    rig.sidecar("run", "--once")
    return placed


def the_event(rig: Rig, number: str) -> Any:
    ((event,),) = [story["events"] for story in as_json(rig, "order", "show", number)]
    return event


def audit(rig: Rig, number: str) -> list[Any]:
    (story,) = as_json(rig, "order", "show", number, "--no-erp")
    return [(act["command"], act["reason"]) for act in story["audit"]]


def test_a_parked_order_stays_until_it_is_requeued_and_then_goes_as_it_is_now(rig: Rig) -> None:
    ok(rig, "domain", "pause", "orders", "--until", "1h")
    with Shop(rig.magento) as shop:
        placed = shop.place()
        rig.sidecar("run", "--once")
        parked = as_json(rig, "queue", "park", placed.increment_id, "--reason", "he calls back")
        assert (parked["parked"], parked["money"]) == (1, {"EUR": placed.grand_total})
        assert as_json(rig, "queue", "park", placed.increment_id)["already_parked"] == 1
        ok(rig, "domain", "resume", "orders")
        shop.change_address(placed.entity_id, "billing", city="Bremen")
        rig.sidecar("run", "--once")
    assert rig.erp.documents() == []
    (waiting,) = as_json(rig, "queue", "list")
    assert waiting["status"] == "parked"
    assert waiting["reason"].endswith(": he calls back")
    assert ("queue park", "he calls back") in audit(rig, placed.increment_id)
    ok(rig, "queue", "requeue", placed.increment_id)
    rig.sidecar("run", "--once")
    (document,) = rig.erp.bookings(placed.increment_id)
    assert document.customer == {
        "guest": True,
        "email": placed_email(rig, placed),
        "city": "Bremen",
    }


def placed_email(rig: Rig, placed: Any) -> Any:
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_email FROM sales_order WHERE entity_id = %s", (placed.entity_id,)
        )
        (row,) = cursor.fetchall()
    return row[0]


def test_what_is_being_sent_is_neither_parked_nor_dropped_nor_edited(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place()
    daemon = rig.start(**{VARIABLE: "delivery.sending"})
    daemon.wait()
    assert the_event(rig, placed.increment_id)["status"] == "sending"
    number = placed.increment_id
    refused_with(rig, 75, "queue", "park", number)
    refused_with(rig, 75, "queue", "drop", number, "--reason", "x", "--yes")
    refused_with(rig, 75, "queue", "edit", number, "--set", "/customer_note=x")
    assert as_json(rig, "queue", "requeue", number)["requeued"] == 0
    assert the_event(rig, number)["status"] == "sending"


def test_a_dropped_order_never_goes_and_says_who_dropped_it(rig: Rig) -> None:
    placed = refused_order(rig)
    number = placed.increment_id
    assert "--reason" in refused_with(rig, 64, "queue", "drop", number)
    drop = ("queue", "drop", number, "--reason", "booked by hand")
    assert as_json(rig, *drop, "--dry-run")["money"] == {"EUR": placed.grand_total}
    asked = run(rig, *drop, typed="n\n")
    assert (asked.code, f"{placed.grand_total:.2f} EUR" in asked.errors) == (130, True)
    assert the_event(rig, placed.increment_id)["status"] == "rejected"
    assert as_json(rig, *drop, "--yes")["dropped"] == 1
    again = as_json(rig, *drop)
    assert (again["dropped"], again["already_dropped"]) == (0, 1)
    event = the_event(rig, placed.increment_id)
    assert event["status"] == "superseded"
    assert event["reason"].startswith("dropped by ")
    assert event["reason"].endswith(": booked by hand")
    assert audit(rig, placed.increment_id) == [("queue drop", "booked by hand")]
    ok(rig, "queue", "requeue", placed.increment_id)
    rig.sidecar("run", "--once")
    assert rig.erp.documents() == []


def test_what_the_erp_may_hold_is_dropped_only_by_a_word_and_lets_the_next_event_go(
    rig: Rig,
) -> None:
    rig.erp.rule("accept_then_drop", times=1)
    rig.erp.rule("drop_before", method="GET")
    with Shop(rig.magento) as shop:
        placed = shop.place()
        rig.sidecar("run", "--once", code=69)
        shop.change_address(placed.entity_id, "billing", city="Bremen")
        rig.sidecar("run", "--once", code=69)
    placement, update = as_json(rig, "queue", "list")
    assert (placement["status"], update["waiting"]) == (
        "unknown",
        "an earlier event of this entity",
    )
    drop = ("queue", "drop", placement["event_id"], "--reason", "seen in the ERP", "--yes")
    assert "may have booked" in refused_with(rig, 64, *drop)
    ok(rig, *drop, "--even-if-booked")
    (left,) = as_json(rig, "queue", "list")
    assert (left["event_id"], left["waiting"]) == (update["event_id"], None)
    assert left["due_at"] is not None


def test_refusals_of_one_cause_are_listed_and_released_together(rig: Rig) -> None:
    rig.erp.rule("credit_limit", sku="MUG")
    rig.erp.rule("unknown_item", sku="DESK")
    with Shop(rig.magento) as shop:
        mugs = [shop.place([Line("MUG", quantity)]) for quantity in (1, 2, 3)]
        desk = shop.place([Line("DESK", 1)])
    rig.sidecar("run", "--once")
    credit, unknown = as_json(rig, "rejections", "list")
    assert (credit["documents"], unknown["documents"]) == (3, 1)
    assert credit["money"] == {"EUR": sum(placed.grand_total for placed in mugs)}
    assert credit["examples"] == [placed.increment_id for placed in mugs]
    assert unknown["message"] == "there is no item DESK"
    rig.erp.clear_rules()
    release = ("rejections", "release", credit["cause"], "--reason", "limit raised")
    first = as_json(rig, *release, "--limit", "1", "--dry-run")
    assert (first["released"], first["left"]) == (1, 2)
    number = mugs[0].increment_id
    assert as_json(rig, *release, "--limit", "1")["documents"] == [
        {"kind": "order", "number": number, "name": number}
    ]
    rig.sidecar("run", "--once")
    assert as_json(rig, *release)["released"] == 2
    assert as_json(rig, *release)["released"] == 0
    rig.sidecar("run", "--once")
    booked = {document.external for document in rig.erp.documents()}
    assert booked == {placed.increment_id for placed in mugs}
    (left,) = as_json(rig, "rejections", "list")
    assert left["examples"] == [desk.increment_id]
    assert audit(rig, mugs[2].increment_id) == [("rejections release", "limit raised")]


def test_a_requeued_order_that_did_not_add_up_is_read_anew_from_magento(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place()
        add_to_total(rig, placed, 1)
        rig.sidecar("run", "--once")
        (cause,) = as_json(rig, "rejections", "list")
        assert (cause["code"], cause["examples"]) == ("bad_data", [placed.increment_id])
        # By hand in the database, as a repair script does: no trigger of ours sees it.
        add_to_total(rig, placed, -1)
    assert as_json(rig, "rejections", "release", cause["cause"])["released"] == 1
    rig.sidecar("run", "--once")
    (document,) = rig.erp.bookings(placed.increment_id)
    assert document.total == placed.grand_total


def add_to_total(rig: Rig, placed: Any, amount: int) -> None:
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sales_order SET grand_total = grand_total + %s WHERE entity_id = %s",
            (amount, placed.entity_id),
        )
        connection.commit()


def test_an_edited_payload_is_sent_and_the_audit_keeps_what_changed(rig: Rig) -> None:
    placed = refused_order(rig, [Line("MUG", 1)])
    values = ("--set", "/items/0/sku=CUP", "--set", "/billing_address/postcode=01067")
    edit = ("queue", "edit", placed.increment_id, *values)
    planned = as_json(rig, *edit, "--dry-run")
    postcode, sku = planned["changes"]
    assert (postcode["path"], postcode["new"]) == ("/billing_address/postcode", "01067")
    assert sku == {"path": "/items/0/sku", "old": "MUG", "new": "CUP"}
    assert the_event(rig, placed.increment_id)["status"] == "rejected"
    done = as_json(rig, *edit, "--reason", "renamed in the ERP")
    assert (done["result"], done["changes"]) == ("edited", planned["changes"])
    assert the_event(rig, placed.increment_id)["status"] == "pending"
    assert as_json(rig, *edit)["result"] == "unchanged"
    rig.sidecar("run", "--once")
    (document,) = rig.erp.bookings(placed.increment_id)
    assert [line.sku for line in document.lines] == ["CUP"]
    assert audit(rig, placed.increment_id) == [("queue edit", "renamed in the ERP")]
    assert "/items/0/sku: MUG → CUP" in ok(rig, "order", "show", placed.increment_id)


def test_an_order_is_edited_in_the_operators_editor(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = refused_order(rig, [Line("MUG", 1)])
    number = placed.increment_id
    monkeypatch.setenv("EDITOR", "sed -i s/MUG/CUP/")
    monkeypatch.delenv("VISUAL", raising=False)
    ok(rig, "queue", "edit", number)
    rig.sidecar("run", "--once")
    (document,) = rig.erp.bookings(number)
    assert [line.sku for line in document.lines] == ["CUP"]
    # The ERP has it now: there is nothing left to edit, to park or to drop.
    assert "over" in refused_with(rig, 64, "queue", "edit", number)
    assert "over" in refused_with(rig, 64, "queue", "park", number)
    assert "over" in refused_with(rig, 64, "queue", "drop", number, "--reason", "x", "--yes")
    refused_with(rig, 65, "queue", "park", "999999999")


def test_a_payload_that_does_not_add_up_goes_only_by_force(rig: Rig) -> None:
    placed = refused_order(rig)
    edit = ("queue", "edit", placed.increment_id, "--set", "/grand_total=1.00")
    assert "but grand_total is 1.00" in refused_with(rig, 65, *edit)
    assert the_event(rig, placed.increment_id)["status"] == "rejected"
    ok(rig, *edit, "--force")
    (listed,) = as_json(rig, "queue", "list")
    assert (listed["status"], listed["amount"]) == ("pending", Decimal("1.0000"))


def test_a_payload_of_another_shape_or_order_is_refused(rig: Rig) -> None:
    placed = refused_order(rig)
    event_id = the_event(rig, placed.increment_id)["event_id"]
    payload = as_json(rig, "queue", "show", event_id)["event"]["payload"]

    def edit(code: int, **fields: object) -> str:
        file = rig.folder / "payload.json"
        file.write_text(json.dumps(payload | fields, default=float), encoding="utf-8")
        return refused_with(rig, code, "queue", "edit", event_id, "--payload", str(file))

    assert "has no field /customer_mail" in edit(65, customer_mail="x@example.com")
    assert "$.items" in edit(65, items=3)
    assert "which order" in edit(65, increment_id="000000099")
    misspelt = ("queue", "edit", event_id, "--set", "/billing_address/postcod=1")
    assert "no /billing_address/postcod" in refused_with(rig, 64, *misspelt)
    assert the_event(rig, placed.increment_id)["status"] == "rejected"


def test_a_forgotten_pause_is_told_by_the_daemon_and_by_status(rig: Rig) -> None:
    assert "over already" in refused_with(
        rig, 64, "domain", "pause", "orders", "--until", "2020-01-01"
    )
    ok(rig, "domain", "pause", "orders", "--until", "2h")
    assert as_json(rig, "status", code=2)["attention"] == [NO_DAEMON]
    file = rig.folder / "sidecar.yaml"
    text = file.read_text("utf-8").replace("every: 50ms", "every: 50ms\n    pause_alarm: 1s")
    file.write_text(text, "utf-8")
    rig.start()
    rig.until(lambda: told(rig) > 0)
    assert as_json(rig, "status", code=2)["domains"]["orders"]["pause_forgotten"]
    ok(rig, "domain", "resume", "orders")
    assert as_json(rig, "status")["attention"] == []
    ok(rig, "domain", "pause", "orders")
    (line,) = as_json(rig, "status", code=2)["attention"]
    assert "without an end" in line


def test_a_wait_that_the_erp_asked_for_ends_by_a_word(rig: Rig) -> None:
    rig.erp.rule("throttle", after=3000, times=1)
    with Shop(rig.magento) as shop:
        placed = shop.place()
    rig.sidecar("run", "--once")
    rig.sidecar("run", "--once")
    assert rig.erp.bookings(placed.increment_id) == []

    asked = as_json(rig, "domain", "resume", "orders", "--dry-run")
    assert (asked["result"], asked["dry_run"]) == ("resumed", True)
    rig.sidecar("run", "--once")
    assert rig.erp.bookings(placed.increment_id) == []

    assert as_json(rig, "domain", "resume", "orders", "--reason", "they called")["result"] == (
        "resumed"
    )
    assert as_json(rig, "domain", "resume", "orders")["result"] == "already_working"
    rig.sidecar("run", "--once")
    assert len(rig.erp.bookings(placed.increment_id)) == 1


def told(rig: Rig) -> int:
    log = rig.folder / "sidecar.log"
    return rig.log_events()["domain.pause_forgotten"] if log.exists() else 0


def test_an_order_of_many_differences_is_one_line_of_the_status_and_all_of_its_story(
    rig: Rig,
) -> None:
    with Shop(rig.magento) as shop:
        rig.erp.rule("drop_tax", times=1)
        whole = shop.place([Line("MUG", 2), Line("TEAPOT"), Line("MUG", 1)])
        rig.sidecar("run", "--once")
        rig.erp.rule("round_quantity", times=1)
        small = shop.place([Line("MUG", Decimal("0.333"), price=Decimal(1))])
        rig.sidecar("run", "--once")
    number = whole.increment_id

    screen = run(rig, "status")

    (story,) = as_json(rig, "order", "show", number)
    lost = story["magento"]["tax_amount"]
    assert screen.code == 2
    assert [line for line in screen.output.splitlines() if line.startswith(("differs", "!"))] == [
        f"differs  {small.increment_id}: line_qty ours MUG: 0.333, theirs MUG: 0.33",
        f"differs  {number}: 5 figures, the greatest by {lost:.2f} EUR: total, tax, line_tax "
        f"(erp-sidecar show {number})",
        f"! {NO_DAEMON}",
        "! 6 difference(s) in 2 document(s) (erp-sidecar differences list)",
    ]
    told = as_json(rig, "status", code=2)
    assert told["differing"] == {"differences": 6, "documents": 2}
    assert [one["class"] for one in told["differences"]] == [
        "line_qty", "total", "tax", "line_tax", "line_tax", "line_tax",
    ]  # fmt: skip
    shown = [line for line in ok(rig, "order", "show", number).splitlines() if "differs" in line]
    assert len(shown) == 5
    assert shown[-1].startswith("differs  line_tax: ours MUG: ")
    assert [line["tax_amount"] for line in story["erp"][0]["items"]] == [0, 0, 0]


def test_the_story_tells_every_document_that_the_erp_has_of_an_order(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        number = shop.place().increment_id
    rig.sidecar("run", "--once")
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {rig.magento.name}_ledger.link (kind, entity_id, reference, erp_key, "
            f"booked_at, updated_at) SELECT kind, entity_id, 'LS-1', '77', '2026-11-30 08:00:00', "
            f"'2026-11-30 08:00:00' FROM {rig.magento.name}_ledger.link"
        )

    (story,) = as_json(rig, "order", "show", number)

    assert story["link"]["reference"].startswith("SO-")
    assert [(one["reference"], one["erp_key"]) for one in story["further_links"]] == [
        ("LS-1", "77")
    ]
    told = ok(rig, "order", "show", number).splitlines()
    assert "further  LS-1 (key 77), known since 2026-11-30 08:00:00" in told


def test_differences_are_listed_until_somebody_has_seen_to_them(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        rig.erp.rule("drop_tax", times=1)
        number = shop.place([Line("MUG", 2)]).increment_id
        rig.sidecar("run", "--once")

    listed = as_json(rig, "differences", "list", code=2)
    assert [one["class"] for one in listed] == ["total", "tax", "line_tax"]
    assert "3 difference(s) would be ended" in ok(
        rig, "differences", "resolve", number, "--dry-run"
    )
    assert run(rig, "differences", "list").code == 2

    ended = ok(rig, "differences", "resolve", number, "--reason", "corrected by hand")

    assert "3 difference(s) ended" in ended
    assert as_json(rig, "differences", "list") == []
    assert as_json(rig, "status", code=2)["attention"] == [NO_DAEMON]
    (story,) = as_json(rig, "order", "show", number)
    (act,) = story["audit"]
    assert (act["command"], act["reason"]) == ("differences resolve", "corrected by hand")
    assert "line_tax" in act["detail"]
    assert "(ended 20" in ok(rig, "order", "show", number)
    assert f"{number}: no difference stands" in ok(rig, "differences", "resolve", number)
    assert run(rig, "differences", "resolve", "000000999").code == 65
