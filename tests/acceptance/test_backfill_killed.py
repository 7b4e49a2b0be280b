"""A backfill whose daemon is killed again and again, beside new orders: each is booked once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig

OLD = 30
KILLS = 3


def test_a_backfill_goes_on_where_a_killed_daemon_was(
    server: PrivateServer, tmp_path: Path
) -> None:
    # This ERP books twice what is sent twice.
    with Rig(server, tmp_path, "backfill_killed", latency_ms=40) as rig:
        with Shop(rig.magento) as shop:
            old = [shop.place().increment_id for _ in range(OLD)]
            _forget(rig)
            rig.sidecar("run", "--once")
            assert rig.erp.count() == 0
            begun = json.loads(
                rig.sidecar(
                    "backfill", "orders", "--since", "2020-01-01", "--json", "--reason", "x"
                )
            )
            assert begun["planned"]["documents"] == OLD
            for _ in range(KILLS):
                booked = rig.erp.count()
                daemon = rig.start()
                rig.until(lambda booked=booked: rig.erp.count() > booked)  # type: ignore[misc]
                rig.kill(daemon)
            assert rig.erp.count() < OLD, "the kills met it on its way"
            live = shop.place().increment_id
        rig.start()
        rig.until(lambda: _state(rig) == "finished")
        rig.until_clean()
        booked_numbers = Counter(one.external for one in rig.erp.documents())
        assert booked_numbers == Counter([*old, live])


def _forget(rig: Rig) -> None:
    """As if the sidecar came only now: what is in the shop is its baseline."""
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        ledger = f"{rig.magento.name}_ledger"
        cursor.execute(f"DELETE FROM {ledger}.outbox")
        cursor.execute(f"DELETE FROM {ledger}.installed WHERE kind = 'baseline'")
        connection.commit()
    rig.sidecar("install")


def _state(rig: Rig) -> str:
    told = json.loads(rig.sidecar("backfill", "orders", "--status", "--json"))
    return str(told["backfill"]["state"])
