"""What the daemon's database user needs, table by table: the one list of it.

`grants print`, `install` and `doctor` ask here; tests/database/test_ledger_grants.py shows that it
is enough and that nothing of it can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from sidecar.ledger.grants import grants
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.live_schema import SHOP
from sidecar.model.domain_spec import DomainSpec


def daemon_grants(
    user: str,
    table: Callable[[str], str],
    names: LedgerNames,
    *,
    domains: Iterable[DomainSpec],
    triggers: bool = True,
    optional: Collection[str] = (),
) -> list[str]:
    """The statements for the daemon's `user` (`user@host`).

    `table` gives a Magento table's full name; `domains`: those that run; `triggers`: whether their
    tables carry triggers; `optional`: tables that not every shop has, and this one does.
    """
    specs = tuple(domains)
    narrow = {name: spec.needs.tables[name] for spec in specs for name in spec.needs.by_column}
    wanted = {*SHOP, *(name for spec in specs for name in spec.needs.reads), *optional}
    read = wanted - narrow.keys()
    watched = {watch.table for spec in specs for watch in spec.watches if triggers}
    writes = [
        f"{privilege} ON {table(name)}" for spec in specs for privilege, name in spec.needs.writes
    ]
    return grants(
        user,
        "grants.sql",
        names,
        table,
        each={
            "read": [table(name) for name in sorted(read)],
            "narrow": [
                f"{privilege} ON {table(name)}"
                for name, columns in sorted(narrow.items())
                for privilege in (f"SELECT ({', '.join(columns)})", "REFERENCES")
            ],
            "watched": [table(name) for name in sorted(watched)],
            "write": list(dict.fromkeys(writes)),
        },
    )
