"""The rights that a domain of documents adds to the daemon's account: enough, and none too many.

The whole way of a document is walked with an account that has exactly what `grants print` prints;
then again and again with one right less, which must show, and be named, each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sidecar.domains import SPECS
from sidecar.domains.invoices.spec import SPEC as INVOICES
from sidecar.domains.orders.spec import SPEC as ORDERS
from sidecar.domains.refunds.spec import SPEC as REFUNDS
from sidecar.domains.shipments.spec import SPEC as SHIPMENTS
from sidecar.install.grants import Role, grants_for, optional_tables
from sidecar.magento.live_schema import read_schema
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import PermissionDenied
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.database.right_less import one_right_less
from tests.document_pipeline import erp_of, pipeline_of
from tests.pipeline import USER, Pipeline

ACCOUNT = f"{USER}@localhost"


@dataclass(frozen=True)
class Kind:
    """One domain: its table, what its references begin with, how Magento makes a document."""

    spec: DomainSpec
    table: str
    prefix: str
    make: Callable[[Shop, int], Any]


def refunded(php: Shop, order: int) -> Any:
    php.invoice(order)
    return php.refund(order)


KINDS = [
    Kind(REFUNDS, "sales_creditmemo", "CM", refunded),
    Kind(INVOICES, "sales_invoice", "IN", Shop.invoice),
    Kind(SHIPMENTS, "sales_shipment", "SH", Shop.ship),
]


class Granted:
    """A shop and a sidecar whose account gets the rights that a test gives it, and no others."""

    def __init__(self, kind: Kind, magento: MagentoDatabase, pipeline: Pipeline) -> None:
        self.kind = kind
        self.magento = magento
        self.pipeline = pipeline
        self.printed = self.statements()

    def statements(self) -> list[str]:
        """What `grants print` prints."""
        sidecar = self.pipeline.sidecar
        there = optional_tables(sidecar.database, self.magento.name, self.magento.prefix, SPECS)
        settings = sidecar.settings
        return grants_for(settings, Role.DAEMON, ACCOUNT, SPECS, there=there).statements

    def grant(self, statements: list[str]) -> None:
        self.root(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ACCOUNT}", *statements)
        # A connection keeps the rights over the whole server that it began with.
        self.pipeline.sidecar.database.close()

    def root(self, *statements: str) -> list[tuple[str, ...]]:
        with self.magento.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def walk(self) -> str:
        """A document on its whole way; gives what it runs into, or what is amiss after it."""
        self.pipeline.told.lines.clear()
        with Shop(self.magento) as php:
            document = self.kind.make(php, php.place().entity_id)
        try:
            self.pipeline.run()
        except PermissionDenied as denied:
            return denied.message
        comments = self.root(
            f"SELECT comment FROM {self.kind.table}_comment WHERE parent_id = {document.entity_id}"
        )
        wanted = [(f"ERP document SO-{self.kind.prefix}{document.increment_id}",)]
        return "" if comments == wanted else f"told {comments}"


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.spec.name)
def granted(
    request: pytest.FixtureRequest,
    server: PrivateServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Granted]:
    kind: Kind = request.param
    magento = create_magento(server, f"{kind.spec.noun}_rights")
    folder = tmp_path_factory.mktemp("rights")
    domain = kind.spec.name
    with pipeline_of(domain, magento, erp_of(domain), folder) as pipeline:
        made = Granted(kind, magento, pipeline)
        yield made
        made.grant([f"GRANT ALL ON *.* TO {ACCOUNT} WITH GRANT OPTION"])
    magento.drop()


def test_exactly_what_is_printed_carries_a_document_to_the_end(granted: Granted) -> None:
    granted.grant(granted.printed)
    # A process that begins with these rights: it looks at Magento's tables before it works.
    read_schema(granted.pipeline.sidecar.database, [ORDERS, granted.kind.spec])

    assert granted.walk() == ""


def of_domain(kind: Kind, statements: list[str]) -> list[str]:
    """Those that name a table of such documents, or one that they write to or read beside.

    TRIGGER is needed to see lost triggers, by no document (test_ledger_grants.py).
    """
    written = {table for _, table in kind.spec.needs.writes}
    return [
        one
        for one in statements
        if not one.startswith("GRANT TRIGGER ")
        and (
            kind.table in one
            or any(f"`{table}`" in one for table in kind.spec.needs.optional)
            or (" INSERT " in one and any(f"`{table}`" in one for table in written))
        )
    ]


def test_each_right_less_makes_it_fail_with_a_message_that_names_it(granted: Granted) -> None:
    complaints, printed = {}, granted.printed
    for table, right, rest in one_right_less(of_domain(granted.kind, printed), printed):
        granted.grant(rest)
        complaints[table, right] = granted.walk()

    tables = {table for table, _ in complaints}
    spec = granted.kind.spec
    assert tables >= {granted.kind.table, *(table for _, table in spec.needs.writes)}
    unnamed = {
        (table, right): said
        for (table, right), said in complaints.items()
        if table not in said or right not in said
    }
    assert unnamed == {}
