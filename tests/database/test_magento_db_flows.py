"""Our writer against the statements that a real Magento 2.4.7 ran, flow by flow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.testing.magento_db import (
    CUSTOMERS,
    Line,
    MagentoDatabase,
    PrivateServer,
    Shop,
    load_dump,
    replay,
    statements,
)
from sidecar.testing.magento_db.product_values import Value, save_product, save_values
from sidecar.testing.magento_db.source_items import (
    SourceItem,
    product_of,
    save_legacy_stock,
    save_source_items,
)

pytestmark = [pytest.mark.shared, pytest.mark.any_server]

# Tables that Magento writes in these flows and our writer does not, each with the reason.
NOT_WRITTEN = {
    "quote": "the cart is reduced to its row's is_active",
    "quote_address": "the cart is reduced",
    "quote_item": "the cart is reduced",
    "quote_item_option": "the cart is reduced",
    "quote_payment": "the cart is reduced",
    "quote_shipping_rate": "the cart is reduced",
    "quote_id_mask": "the cart is reduced",
    "inventory_pickup_location_quote_address": "the cart is reduced",
    "captcha_log": "no business of an ERP",
    "magento_bulk": "bookkeeping of asynchronous operations",
    "customer_grid_flat": "the admin's list of customers, not described",
    "customer_log": "when a customer logged in",
    "customer_visitor": "who browses",
}
# place-customer queues one message more, for the rule's own usage counter (magento_bulk).
COUPON_QUEUE = ("INSERT queue_message", "INSERT queue_message_status")

_STATEMENT = re.compile(
    r"(INSERT|UPDATE|DELETE|SELECT)\b\s+(?:INTO\s+|FROM\s+)?(?:.*?\bFROM\s+)?`?(\w+)`?", re.DOTALL
)


def _name(statement: str) -> str | None:
    """Verb and table, or the border of a transaction; None for what only reads."""
    if statement in ("START TRANSACTION", "COMMIT", "ROLLBACK"):
        return statement
    if statement.startswith("INSERT IGNORE"):
        return None  # the log shows what Magento's own triggers ran, too
    if statement.startswith("SELECT"):
        return "SELECT sales_order" if statement.endswith("FOR UPDATE") else None
    found = _STATEMENT.match(statement)
    if found is None or found[1] not in ("INSERT", "UPDATE", "DELETE"):
        return None
    return None if found[2] in NOT_WRITTEN else f"{found[1]} {found[2]}"


def _shape(run: Iterator[str]) -> list[str]:
    """The writes with their transactions; a transaction of nothing is none."""
    shape: list[str] = []
    for statement in run:
        name = _name(statement)
        if name == "COMMIT" and shape and shape[-1] == "START TRANSACTION":
            shape.pop()
        elif name is not None:
            shape.append(name)
    return shape


def _recorded(shared: Path, flow: str, scratch: Path) -> list[str]:
    path = next((shared / "magento" / "flows").glob(f"[0-9][0-9]-{flow}.sql"))
    if not flow.startswith("place"):
        return _shape(statements(path))
    # The cart was filled in the same recording; the checkout stands between two marks.
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("-- mark: place-begin"), text.index("-- mark: place-end")
    checkout = scratch / "checkout.sql"
    checkout.write_text(text[begin:end], encoding="utf-8")
    return _shape(statements(checkout))


@contextmanager
def _general_log(server: PrivateServer, shop: Shop) -> Iterator[list[str]]:
    """What the server itself says that the shop's connection ran."""
    (thread,) = shop.session.select("SELECT CONNECTION_ID() AS id")
    ran: list[str] = []
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE mysql.general_log")
        cursor.execute("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON")
        try:
            yield ran
        finally:
            cursor.execute("SET GLOBAL general_log = OFF, GLOBAL log_output = 'FILE'")
            cursor.execute(
                "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log "
                "WHERE thread_id = %s AND command_type = 'Query'",
                [thread["id"]],
            )
            ran += [row[0] for row in cursor.fetchall()]


Act = Callable[[Shop], object]


def _plain(*before: Callable[[Shop, int], object]) -> Callable[[Shop], int]:
    """An order of two simple lines, two of one and one of the other, after some acts."""

    def prepare(shop: Shop) -> int:
        order_id = shop.place([Line("MUG", 2), Line("TEAPOT")]).entity_id
        for act in before:
            act(shop, order_id)
        return order_id

    return prepare


def _configured(*before: Callable[[Shop, int], object]) -> Callable[[Shop], int]:
    """The order of a configurable and a simple line with a coupon, after some acts."""

    def prepare(shop: Shop) -> int:
        lines = [Line("SHIRT", 2, option="Red"), Line("TEAPOT")]
        order_id = shop.place(lines, customer=CUSTOMERS[0], coupon="SAVE10").entity_id
        for act in before:
            act(shop, order_id)
        return order_id

    return prepare


def _invoice(shop: Shop, order_id: int) -> None:
    shop.invoice(order_id)


def _ship(shop: Shop, order_id: int) -> None:
    shop.ship(order_id)


def _save_base_price(shop: Shop) -> None:
    with shop.session.transaction():
        save_values(shop.session, "price", [Value(1, 0, Decimal("88.50"))])


def _save_product(shop: Shop, code: str | None, value: object) -> None:
    product = product_of(shop.session, "MUG") or {}
    (stock,) = shop.session.select("SELECT * FROM inventory_source_item WHERE sku = 'MUG'")
    values = {code: [Value(product["entity_id"], 0, value)]} if code else {}
    save_product(shop.session, product, stock, values)


FLOWS: dict[str, tuple[Callable[[Shop], int], Callable[[Shop, int], object]]] = {
    "hold": (_plain(), lambda s, o: s.hold(o)),
    "unhold": (_plain(lambda s, o: s.hold(o)), lambda s, o: s.unhold(o)),
    "address-admin": (_plain(), lambda s, o: s.change_address(o, city="Hamburg")),
    "address-api": (_plain(), lambda s, o: s.change_address(o, "billing", "api", city="Ulm")),
    "comment-admin": (_plain(), lambda s, o: s.comment(o, "hello", via="admin")),
    "comment-api": (_plain(), lambda s, o: s.comment(o, "hello")),
    "rest-comment": (_plain(), lambda s, o: s.comment(o, "hello")),
    "invoice-api-partial": (_plain(), lambda s, o: s.invoice(o, 1)),
    "invoice-api-final": (_plain(lambda s, o: s.invoice(o, 1)), lambda s, o: s.invoice(o)),
    "ship-api-partial": (_plain(_invoice), lambda s, o: s.ship(o, 1)),
    "ship-api-final": (_plain(_invoice, lambda s, o: s.ship(o, 1)), lambda s, o: s.ship(o)),
    "creditmemo-api-partial": (_plain(_invoice, _ship), lambda s, o: s.refund(o, 1)),
    "creditmemo-api-final": (
        _plain(_invoice, _ship, lambda s, o: s.refund(o, 1)),
        lambda s, o: s.refund(o),
    ),
    "cancel": (_plain(), lambda s, o: s.cancel(o)),
    "invoice-admin": (_configured(), lambda s, o: s.invoice(o, via="admin")),
    "ship-admin": (_configured(_invoice), lambda s, o: s.ship(o, via="admin")),
    "creditmemo-admin": (_configured(_invoice, _ship), lambda s, o: s.refund(o, via="admin")),
    "invoice-notify": (_plain(), lambda s, o: s.invoice(o, notify=True)),
    "ship-notify": (_plain(_invoice), lambda s, o: s.ship(o, notify=True)),
    "creditmemo-notify": (_plain(_invoice, _ship), lambda s, o: s.refund(o, notify=True)),
    "order-save-nochange": (_plain(), lambda s, o: s.save_without_change(o)),
    "order-delete": (_plain(), lambda s, o: s.delete(o)),
    "stock-save-msi": (_plain(), lambda s, o: s.save_stock("MUG", 900)),
    "stock-save-legacy": (
        _plain(),
        lambda s, o: save_legacy_stock(s.session, "MUG", Decimal(901), in_stock=True),
    ),
    "rest-source-items": (
        _plain(),
        lambda s, o: save_source_items(
            s.session, [SourceItem(sku, "default", Decimal(555), 1) for sku in ("MUG", "TEAPOT")]
        ),
    ),
    "rest-base-price": (_plain(), lambda s, o: _save_base_price(s)),
    "rest-order-partial-save": (_plain(), lambda s, o: s.save_columns(o, ext_order_id="ERP-1")),
    "product-save-price": (_plain(), lambda s, o: _save_product(s, "price", Decimal(81))),
    "product-save-name": (_plain(), lambda s, o: _save_product(s, "name", "Lamp2")),
    "product-save-nochange": (_plain(), lambda s, o: _save_product(s, None, None)),
    "customer-save": (_plain(), lambda s, o: s.save_customer(1, firstname="Janet")),
    "customer-address-save": (_plain(), lambda s, o: s.save_customer_address(1, city="Ulm")),
}


@pytest.mark.parametrize("flow", FLOWS)
def test_an_act_writes_what_magento_writes(
    flow: str, server: PrivateServer, shop: Shop, shared: Path, tmp_path: Path
) -> None:
    prepare, act = FLOWS[flow]
    order_id = prepare(shop)
    with _general_log(server, shop) as ran:
        act(shop, order_id)
    assert _shape(iter(ran)) == _recorded(shared, flow, tmp_path)


PLACEMENTS: dict[str, Act] = {
    "place-guest": lambda shop: shop.place([Line("MUG", 2), Line("TEAPOT")]),
    "place-plain": lambda shop: shop.place([Line("MUG", 2), Line("TEAPOT")]),
    "place-customer": lambda shop: shop.place(
        [Line("SHIRT", 2, option="Red"), Line("TEAPOT")], customer=CUSTOMERS[0], coupon="SAVE10"
    ),
    "place-bundle-guest": lambda shop: shop.place([Line("TEASET")]),
    "place-virtual-guest": lambda shop: shop.place([Line("WARRANTY")]),
}


@pytest.mark.parametrize("flow", PLACEMENTS)
def test_an_order_comes_into_the_world_as_in_magento(
    flow: str, server: PrivateServer, shop: Shop, shared: Path, tmp_path: Path
) -> None:
    with _general_log(server, shop) as ran:
        PLACEMENTS[flow](shop)
    recorded = _recorded(shared, flow, tmp_path)
    if flow == "place-customer":
        at = recorded.index("INSERT queue_message")
        assert tuple(recorded[at : at + 2]) == COUPON_QUEUE
        assert recorded[at - 1] == "START TRANSACTION"
        assert recorded[at + 2] == "COMMIT"
        del recorded[at - 1 : at + 3]
    assert _shape(iter(ran)) == recorded


def test_all_recorded_flows_can_be_replayed_on_the_recorded_shop(
    server: PrivateServer, shared: Path
) -> None:
    load_dump(server, shared / "magento" / "base.sql.gz", "replayed")
    recorded = sorted((shared / "magento" / "flows").glob("*.sql"))
    with server.connect("replayed") as connection:
        for path in recorded:
            replay(connection, path)
        with connection.cursor() as cursor:
            cursor.execute("SELECT entity_id, status, total_paid FROM sales_order ORDER BY 1")
            orders = {row[0]: row[1:] for row in cursor.fetchall()}
            cursor.execute("DROP DATABASE replayed")
    assert len(recorded) == 44
    assert 3 not in orders
    assert [orders[n][0] for n in (1, 2, 4, 5)] == ["pending", "closed", "closed", "closed"]


def test_a_statement_may_hold_the_delimiter_in_its_text(
    magento: MagentoDatabase, tmp_path: Path
) -> None:
    script = tmp_path / "dump.sql"
    script.write_text(
        "-- a comment; with a semicolon\n"
        "/*!40101 SET NAMES utf8mb4 */;\n"
        "INSERT INTO flag (flag_code, flag_data) VALUES ('a', 'one;\ntwo -- it''s \\'fine\\';');\n"
        "/* skipped; */ DELIMITER_IS_NO_COMMAND_HERE;\n"
        "DELIMITER ;;\n"
        "CREATE DEFINER=`gone`@`127.0.0.1` TRIGGER t BEFORE INSERT ON flag FOR EACH ROW "
        "BEGIN SET NEW.state = 7; END ;;\n"
        "DELIMITER ;\n"
        "INSERT INTO flag (flag_code) VALUES ('b')",
        encoding="utf-8",
    )
    found = list(statements(script))
    assert len(found) == 5
    assert found[2] == "DELIMITER_IS_NO_COMMAND_HERE"
    script.write_text(
        script.read_text().replace("/* skipped; */ DELIMITER_IS_NO_COMMAND_HERE;", "")
    )
    load_dump(magento.server, script, magento.name)
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT flag_data, state FROM flag WHERE flag_code IN ('a', 'b') ORDER BY 1")
        assert cursor.fetchall() == ((None, 7), ("one;\ntwo -- it's 'fine';", 0))
