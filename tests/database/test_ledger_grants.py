"""The rights of the daemon's account: enough for all its work, and none too many.

The whole way of an order is walked with an account that has exactly sql/grants.sql; then again and
again with one right less, which must show each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from functools import partial
from importlib import resources
from pathlib import Path

import pymysql
import pytest

from adapters.rest.generic import create
from sidecar.capture.least_rights import daemon_grants
from sidecar.capture.outbox import Outbox
from sidecar.capture.trigger_plan import Definer
from sidecar.capture.triggers import State, Triggers
from sidecar.database.connection import require_supported
from sidecar.domains import SPECS
from sidecar.domains.orders.spec import SPEC
from sidecar.host.process import SystemClock
from sidecar.install.installation import Installation
from sidecar.ledger.retention import Retention
from sidecar.ledger.tables import LedgerNames
from sidecar.model.errors import ConfigurationError, PermissionDenied
from sidecar.model.outcome import Rejected
from sidecar.monitor.accounts import AccountLimits
from sidecar.monitor.top.watch import Subject, Watch
from sidecar.monitor.trigger_states import TriggerStates
from sidecar.operate.naming import name_of
from sidecar.ports import AdapterSettings, ShopContext
from sidecar.testing.erpsim import serve_in_thread
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import (
    ORDERS,
    RECEIVED,
    REFUSED,
    RELEASED,
    Beside,
    HandClock,
    ScriptedErp,
    sidecar_beside,
)

ACCOUNT = "daemon@%"
SHOP_ACCOUNT = "root@localhost"


class Installed:
    """A shop with the sidecar installed by root, triggers and all, for a daemon without rights."""

    def __init__(self, magento: MagentoDatabase, root: Beside) -> None:
        self.magento = magento
        self.root = root
        self.names = root.store.names
        self.wanted = daemon_grants(
            ACCOUNT,
            root.schema.table,
            self.names,
            domains=[SPEC],
            optional=root.schema.optional_tables,
        )

    def grant(self, statements: list[str]) -> None:
        """Give the account these rights and no others."""
        with self.magento.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DROP USER IF EXISTS daemon@'%'")
            cursor.execute("CREATE USER daemon@'%'")
            for statement in statements:
                cursor.execute(statement)

    @contextmanager
    def daemon(self) -> Iterator[Beside]:
        """Its stations, logged in as the daemon."""
        with sidecar_beside(
            self.magento,
            user="daemon",
            inside=bool(self.names.prefix),
            triggers=True,
            install=False,
        ) as beside:
            yield beside


@pytest.fixture(scope="module", params=["own schema", "inside Magento's"])
def installed(server: PrivateServer, request: pytest.FixtureRequest) -> Iterator[Installed]:
    inside = request.param != "own schema"
    magento = create_magento(server, f"granted_{int(inside)}", prefix="m2_" if inside else "")
    with sidecar_beside(magento, inside=inside, triggers=True) as root:
        yield Installed(magento, root)
    magento.drop()


def walk(shop: Installed, erp: ScriptedErp) -> list[str]:
    """Everything that a daemon does to a shop; gives what is amiss with the result."""
    shop.root.empty()
    with Shop(shop.magento) as php, shop.daemon() as daemon:
        require_supported(daemon.database.server())
        daemon.ledger.require_current()
        taken, refused = php.place(), php.place()
        leave_a_gift_message(shop, taken.entity_id)
        erp.answers[refused.increment_id] = [Rejected(message="no")]
        captured = daemon.look(sweep=False)
        daemon.deliver(erp)
        daemon.acknowledge()
        php.unhold(refused.entity_id)
        daemon.look(sweep=True)
        daemon.deliver(erp)
        daemon.acknowledge()
        shop.root.sql("UPDATE {event} SET finished_at = '2000-01-01' WHERE status = 'accepted'")
        archived = Retention(daemon.database, daemon.store, timedelta(1)).run_once()
        with daemon.database.transaction() as connection:
            daemon.store.work_lease.hold(connection, "me", 5)
            daemon.store.control.stop(connection, ORDERS, "test")
            Outbox(daemon.store.names).depth(connection)
            Outbox(daemon.store.names).faults(connection)
        # An account without the right to triggers sees none, and believes that they are lost.
        states = {one.state for one in triggers_of(daemon).status()}
    expected = ("new", "erp_received")
    checks = {
        "captured": len(captured) == 2,
        "archived": archived == 2,
        "taken": shop.root.standing(taken.entity_id)[:2] == expected,
        "released": shop.root.standing(refused.entity_id)[:2] == expected,
        "commented": len(shop.root.comments(refused.entity_id)) == 2,
        "triggers": State.MISSING not in states,
    }
    return [name for name, is_well in checks.items() if not is_well]


def leave_a_gift_message(shop: Installed, order_id: int) -> None:
    table = shop.root.schema.table
    shop.root.sql(
        f"REPLACE INTO {table('gift_message')} (gift_message_id, message) VALUES (1, 'x')"
    )
    shop.root.sql(
        f"UPDATE {table('sales_order')} SET gift_message_id = 1 WHERE entity_id = {order_id}"
    )


def triggers_of(daemon: Beside) -> Triggers:
    return Triggers(
        daemon.database,
        daemon.store.names,
        [SPEC],
        HandClock(),
        prefix=daemon.magento.prefix,
        definer=Definer(SHOP_ACCOUNT),
    )


def test_the_grants_are_enough(installed: Installed) -> None:
    installed.grant(installed.wanted)

    assert walk(installed, ScriptedErp()) == []


def test_the_grants_are_enough_for_what_top_and_a_bundle_look_at(installed: Installed) -> None:
    installed.grant(installed.wanted)

    with installed.daemon() as daemon:
        names = partial(name_of, SPECS)
        accounts = {"main": AccountLimits("https://erp", 4, 60.0)}
        subject = Subject("shop", accounts, [ORDERS], lambda: TriggerStates({}, None), names)
        look = Watch(daemon.database, daemon.store, subject, SystemClock()).look()
        order = (installed.magento.name, f"{installed.magento.prefix}sales_order")
        event = (daemon.store.names.schema, f"{daemon.store.names.prefix}event")
        sizes = daemon.database.sizes([order, event])

    assert look.domains[0].name == ORDERS
    assert sizes.keys() == {order, event}


def one_right_less(statements: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Every single privilege and every single column, left out in turn: its name, the rest."""
    for index, statement in enumerate(statements):
        rest = [*statements[:index], *statements[index + 1 :]]
        match = re.fullmatch(r"GRANT (.+?)(?: \((.*?)\))? ?ON (.+) TO (.+)", statement)
        assert match, statement
        privileges, columns, place, account = match.groups()
        parts = (columns or privileges).split(", ")
        for part in parts:
            others = ", ".join(one for one in parts if one != part)
            kept = f"{privileges} ({others})" if columns else others
            name = f"{privileges} ({part})" if columns else part
            yield (
                f"{name} on {place}",
                rest + ([f"GRANT {kept} ON {place} TO {account}"] if others else []),
            )


def complaint(shop: Installed) -> str:
    """What the walk runs into, or what is amiss after it; empty when all is well."""
    try:
        return ", ".join(walk(shop, ScriptedErp()))
    except (PermissionDenied, ConfigurationError) as error:
        return error.message


def test_none_of_the_grants_can_be_left_out(server: PrivateServer) -> None:
    magento = create_magento(server, "granted_less")
    complaints = {}
    with sidecar_beside(magento, triggers=True) as root:
        shop = Installed(magento, root)
        for name, rest in one_right_less(shop.wanted):
            shop.grant(rest)
            complaints[name] = complaint(shop)
    magento.drop()

    assert len(complaints) > 12
    assert [name for name, found in complaints.items() if not found] == []


@pytest.mark.parametrize(
    "secret",
    ["admin_user", "oauth_token", "customer_entity", "customer_address_entity", "quote", "session"],
)
def test_what_is_none_of_its_business_cannot_be_read(installed: Installed, secret: str) -> None:
    table = f"{installed.magento.prefix}{secret}"
    with installed.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} (id int)")
    installed.grant(installed.wanted)

    with (
        installed.magento.connect(user="daemon") as connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.err.OperationalError, match="SELECT command denied"),
    ):
        cursor.execute(f"SELECT * FROM {table}")


def test_no_table_is_named_that_the_shop_does_not_have(installed: Installed) -> None:
    """A GRANT on such a table is an error, and the rights after it would be lacking."""
    named = {place for one in installed.wanted for place in re.findall(r"ON (\S+) TO", one)}
    there = {installed.root.schema.table(name) for name in installed.root.schema.columns}
    ledger = {place for place in named if "erp_sidecar_" in place or place.endswith(".*")}

    assert named - ledger <= there


def test_an_underscore_in_a_schemas_name_stands_for_itself(installed: Installed) -> None:
    """In GRANT … ON schema.* it would stand for any character: a neighbour's shop."""
    neighbour = installed.magento.name.replace("_", "x")
    with installed.magento.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {neighbour}")
        cursor.execute(f"CREATE TABLE {neighbour}.secret (id int)")
    installed.grant(installed.wanted)

    with installed.magento.server.connect(user="daemon") as connection, connection.cursor() as c:
        c.execute("SHOW DATABASES")
        visible = {name for (name,) in c.fetchall()}

    with installed.magento.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {neighbour}")
    assert installed.magento.name in visible
    assert neighbour not in visible


def test_the_rights_name_tables_one_by_one_inside_magentos_schema() -> None:
    names = LedgerNames.placed(None, "shop")
    made = daemon_grants("u@h", lambda name: f"`shop`.`{name}`", names, domains=[SPEC])

    own = [statement for statement in made if "DELETE" in statement]
    assert "ON `shop`.`erp_sidecar_outbox` TO 'u'@'h'" in own[0]
    assert all("`shop`.`erp_sidecar_" in statement for statement in own)
    assert not any("{" in statement for statement in made)


def test_installing_for_another_account_grants_it_its_rights_from_any_host(
    installed: Installed,
) -> None:
    installed.grant([])
    root = installed.root

    done = Installation(
        root.database,
        root.store,
        root.ledger,
        root.schema,
        Triggers(root.database, root.store.names, [SPEC], HandClock(), prefix=root.magento.prefix),
        [RECEIVED, REFUSED, RELEASED],
        daemon_user=lambda: ACCOUNT,
    ).install(who="test")

    assert done.grants == installed.wanted
    assert walk(installed, ScriptedErp()) == []


def test_an_order_goes_all_the_way_to_an_erp_with_no_more_rights(
    installed: Installed, tmp_path: Path
) -> None:
    installed.grant(installed.wanted)
    installed.root.empty()
    calls = tmp_path / "calls.yaml"
    demo = resources.files("sidecar.testing.demo").joinpath("calls.yaml")
    calls.write_text(demo.read_text("utf-8"), encoding="utf-8")
    with serve_in_thread() as erp, Shop(installed.magento) as php, installed.daemon() as daemon:
        context = ShopContext("main", UTC)
        adapter = create(
            AdapterSettings(
                url=erp.url,
                connect_timeout=2,
                read_timeout=5,
                shop=context,
                calls=calls,
                domains=SPECS,
            )
        )
        placed = php.place()
        daemon.look()
        daemon.deliver(adapter)
        daemon.acknowledge()
        (document,) = erp.bookings(placed.increment_id)
        adapter.close()

    assert installed.root.standing(placed.entity_id) == ("new", "erp_received", document.number)
    assert document.total == placed.grand_total
