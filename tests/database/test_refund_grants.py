"""The rights that refunds add to the daemon's account: enough, none too many, none while off.

The whole way of a refund is walked with an account that has exactly what `grants print` prints;
then again and again with one right less, which must show, and be named, each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sidecar.domains import SPECS
from sidecar.domains.refunds.spec import SPEC
from sidecar.install.grants import Role, grants_for, optional_tables
from sidecar.magento.live_schema import read_schema
from sidecar.model.errors import PermissionDenied
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import TAKES, ScriptedErp
from tests.pipeline import USER, Pipeline

ACCOUNT = f"{USER}@localhost"


class Granted:
    """A shop and a sidecar whose account gets the rights that a test gives it, and no others."""

    def __init__(self, magento: MagentoDatabase, pipeline: Pipeline) -> None:
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
        """A refund on its whole way; gives what it runs into, or what is amiss after it."""
        self.pipeline.told.lines.clear()
        with Shop(self.magento) as php:
            order = php.place()
            php.invoice(order.entity_id)
            memo = php.refund(order.entity_id)
        try:
            self.pipeline.run()
        except PermissionDenied as denied:
            return denied.message
        comments = self.root(
            f"SELECT comment FROM sales_creditmemo_comment WHERE parent_id = {memo.entity_id}"
        )
        is_told = comments == [(f"ERP document SO-CM{memo.increment_id}",)]
        return "" if is_told else f"told {comments}"


@pytest.fixture(scope="module")
def granted(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    magento = create_magento(server, "refund_rights")
    erp = ScriptedErp(subscriptions=TAKES | frozenset(SPEC.types))
    folder = tmp_path_factory.mktemp("rights")
    with Pipeline(magento, folder, adapter=erp, domains="  refunds: {}\n") as pipeline:
        made = Granted(magento, pipeline)
        yield made
        made.grant([f"GRANT ALL ON *.* TO {ACCOUNT} WITH GRANT OPTION"])
    magento.drop()


def test_exactly_what_is_printed_carries_a_refund_to_the_end(granted: Granted) -> None:
    granted.grant(granted.printed)
    # A process that begins with these rights: it looks at Magento's tables before it works.
    sidecar = granted.pipeline.sidecar
    read_schema(sidecar.database, sidecar.specs)

    assert granted.walk() == ""


def of_refunds(statements: list[str]) -> list[str]:
    """Those that name a table of credit memos, or one that they write to."""
    written = {table for _, table in SPEC.needs.writes}
    return [
        one
        for one in statements
        if "creditmemo" in one or (" INSERT " in one and any(f"`{t}`" in one for t in written))
    ]


def one_right_less(statements: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Each right of refunds, and each column of one: table, name, the statements without it.

    TRIGGER is needed to see lost triggers, by no refund (test_ledger_grants.py).
    """
    for statement in of_refunds(statements):
        rest = [one for one in statements if one != statement]
        match = re.fullmatch(r"GRANT (\w+)(?: \((.*?)\))? ON (\S+) TO (.+)", statement)
        assert match, statement
        privilege, columns, place, account = match.groups()
        if privilege == "TRIGGER":
            continue
        table = place.split("`")[-2]
        if not columns:
            yield table, privilege, rest
            continue
        for column in columns.split(", "):
            others = ", ".join(one for one in columns.split(", ") if one != column)
            yield table, column, [*rest, f"GRANT {privilege} ({others}) ON {place} TO {account}"]


def test_each_right_less_makes_it_fail_with_a_message_that_names_it(granted: Granted) -> None:
    complaints = {}
    for table, right, rest in one_right_less(granted.printed):
        granted.grant(rest)
        complaints[table, right] = granted.walk()

    tables = {table for table, _ in complaints}
    assert tables >= {"sales_creditmemo", *(table for _, table in SPEC.needs.writes)}
    unnamed = {
        (table, right): said
        for (table, right), said in complaints.items()
        if table not in said or right not in said
    }
    assert unnamed == {}
