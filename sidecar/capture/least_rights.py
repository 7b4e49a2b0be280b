"""What the accounts need of Magento's schema, table by table: the one list of it.

`grants print`, `install` and `doctor` ask here; tests/database/test_ledger_grants.py shows that it
is enough and that nothing of it can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from sidecar.capture.trigger_plan import WATCHED
from sidecar.ledger.grants import grants
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.schema_probe import REQUIRED


def daemon_grants(
    account: str,
    table: Callable[[str], str],
    names: LedgerNames,
    *,
    domains: Collection[str],
    optional: Collection[str] = (),
) -> list[str]:
    """The statements for the daemon's `account` (`user@host`).

    `table` gives a Magento table's full name; `domains`: those whose tables carry triggers;
    `optional`: tables that not every shop has, and this one does.
    """
    watched = {watch.table for domain in domains for watch in WATCHED.get(domain, ())}
    return grants(
        account,
        "grants.sql",
        names,
        table,
        each={
            "read": [table(name) for name in sorted({*REQUIRED, *optional})],
            "watched": [table(name) for name in sorted(watched)],
        },
    )
