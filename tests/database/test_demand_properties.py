"""Whatever is written beside it, and whenever the sidecar dies: the messages add up to the sum.

Reservations are written by several connections at once, committed late and out of order, and
cleaned up; the tally is killed between what it told and the commit.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.capture import tally as station
from sidecar.capture.tally import Tally
from sidecar.domains.stock.demand import DemandTotals
from sidecar.domains.stock.payload import Demand
from sidecar.domains.stock.spec import SPEC
from sidecar.magento.live_schema import read_schema
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.harness import LedgerBench, RecordingNarrator, bare_ledger

SKUS = ("MUG", "mug", "LAMP/2", "Schürze")
_DEMAND = msgspec.json.Decoder(Demand)


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Bench:
    """A tally, and what its messages come to."""

    magento: MagentoDatabase
    ledger: LedgerBench
    told: RecordingNarrator = field(default_factory=RecordingNarrator)

    def tally(self) -> Tally:
        schema = read_schema(self.ledger.database, [SPEC])
        totals = DemandTotals(schema, 60.0)
        return Tally(
            self.ledger.database, self.ledger.store, totals, shop="main", narrator=self.told
        )

    def connect(self) -> pymysql.Connection[Any]:
        return self.magento.connect()

    def empty(self) -> None:
        self.ledger.wipe()
        self.ledger.sql(f"DELETE FROM {self.magento.table('inventory_reservation')}")

    def messages(self) -> list[Demand]:
        rows = self.ledger.sql("SELECT payload FROM {payload} ORDER BY entity_id")
        return [_DEMAND.decode(row.payload) for row in rows]

    def sums(self) -> dict[tuple[int, str], Decimal]:
        found: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
        for message in self.messages():
            found[message.stock_id, message.sku] += message.quantity
        return {key: total for key, total in found.items() if total}


@pytest.fixture(scope="module")
def bench(server: PrivateServer) -> Iterator[Bench]:
    magento = create_magento(server, "demand")
    with bare_ledger(magento) as ledger:
        yield Bench(magento, ledger)
    magento.drop()


def insert(connection: pymysql.Connection[Any], magento: MagentoDatabase, *rows: Any) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {magento.table('inventory_reservation')} (stock_id, sku, quantity) "
            "VALUES (%s, %s, %s)", rows,
        )  # fmt: skip


def clean_up(connection: pymysql.Connection[Any], magento: MagentoDatabase) -> None:
    """Magento's `inventory_cleanup_reservations`, which groups by its own collation."""
    table = magento.table("inventory_reservation")
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE r FROM {table} r JOIN (SELECT stock_id, sku FROM {table} "
            "GROUP BY stock_id, sku HAVING SUM(quantity) = 0) z USING (stock_id, sku)"
        )


ROW = st.tuples(st.sampled_from([1, 2]), st.sampled_from(SKUS), st.integers(-3, 3))
#: Written at once; written and committed late; the late ones committed, in any order; cleaned up;
#: told; told by a process that dies before it commits.
STEP = st.one_of(
    st.tuples(st.just("at once"), st.lists(ROW, min_size=1, max_size=4)),
    st.tuples(st.just("late"), st.lists(ROW, min_size=1, max_size=4)),
    st.tuples(st.sampled_from(["commit", "roll back"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["clean up", "tell", "die"]), st.none()),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, max_size=25))
def test_the_messages_add_up_to_what_was_reserved(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, Any]]
) -> None:
    bench.empty()
    tally, magento = bench.tally(), bench.magento
    tally.run_once()
    reserved: Counter[tuple[int, str]] = Counter()
    late: list[tuple[pymysql.Connection[Any], list[Any]]] = []
    shop = bench.connect()
    shop.autocommit(True)

    def dies(name: str) -> None:
        raise Killed(name)

    def count(rows: list[Any]) -> None:
        for stock, sku, quantity in rows:
            reserved[stock, sku] -= quantity

    for name, value in steps:
        match name:
            case "at once":
                insert(shop, magento, *value)
                count(value)
            case "late":
                connection = bench.connect()
                connection.autocommit(False)
                insert(connection, magento, *value)
                late.append((connection, value))
            case "commit" | "roll back" if late:
                connection, rows = late.pop(value % len(late))
                connection.commit() if name == "commit" else connection.rollback()
                connection.close()
                if name == "commit":
                    count(rows)
            case "clean up" if not late:
                # Beside open transactions the real one waits for their rows.
                clean_up(shop, magento)
            case "tell":
                tally.run_once()
            case "die":
                with monkeypatch.context() as patch:
                    patch.setattr(station, "passing", dies)
                    with pytest.raises(Killed):
                        bench.tally().run_once()
    for connection, _ in late:
        connection.rollback()
        connection.close()
    tally.run_once()
    shop.close()

    told, wanted = bench.sums(), {key: Decimal(n) for key, n in reserved.items() if n}
    # As Magento has it: a SKU in another case is the same, and is cleaned up with it.
    assert _folded(told) == _folded(wanted)
    again = len(bench.messages())
    tally.run_once()
    assert len(bench.messages()) == again


def _folded(sums: dict[tuple[int, str], Decimal]) -> dict[tuple[int, str], Decimal]:
    found: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for (stock, sku), total in sums.items():
        found[stock, sku.lower()] += total
    return {key: total for key, total in found.items() if total}


def test_with_writers_and_two_tallies_at_the_same_time_nothing_is_lost_or_told_twice(
    bench: Bench,
) -> None:
    bench.empty()
    first, second = bench.tally(), bench.tally()
    first.run_once()
    reserved: Counter[str] = Counter()
    lock, over = threading.Lock(), threading.Event()

    def write(seed: int) -> None:
        chance, connection = random.Random(seed), bench.connect()
        connection.autocommit(False)
        for _ in range(150):
            rows = [(1, chance.choice(("MUG", "LAMP")), chance.randint(-3, 3)) for _ in range(3)]
            insert(connection, bench.magento, *rows)
            if chance.random() < 0.2:
                connection.rollback()
                continue
            connection.commit()
            with lock:
                for _, sku, quantity in rows:
                    reserved[sku] -= quantity
        connection.close()

    def tell(tally: Tally) -> None:
        while not over.is_set():
            tally.run_once()

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    tellers = [threading.Thread(target=tell, args=(one,)) for one in (first, second)]
    for thread in (*writers, *tellers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in tellers:
        thread.join()
    first.run_once()

    assert len(bench.messages()) > 2
    assert bench.sums() == {(1, sku): Decimal(n) for sku, n in reserved.items() if n}
