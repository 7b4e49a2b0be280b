"""What the daemon's database user needs, table by table: the one list of it.

`grants print`, `install` and `doctor` ask here; tests/database/test_ledger_grants.py shows that it
is enough and that nothing of it can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from sidecar.ledger.grants import grants
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.live_schema import SHOP
from sidecar.model.domain_spec import DomainSpec, Needs
from sidecar.settings.domains import Domains


def inbound_needs(specs: Iterable[DomainSpec], configured: Domains) -> tuple[Needs, ...]:
    """What the domains that the ERP owns need of Magento's schema, as they are configured."""
    told = configured.told()
    return tuple(
        spec.inbound if told[spec.name].writes_tables else replace(spec.inbound, writes=())
        for spec in specs
        if spec.name in told
    )


def daemon_grants(
    user: str,
    table: Callable[[str], str],
    names: LedgerNames,
    *,
    domains: Iterable[DomainSpec],
    inbound: Iterable[Needs] = (),
    triggers: bool = True,
    optional: Collection[str] = (),
) -> list[str]:
    """The statements for the daemon's `user` (`user@host`).

    `table` gives a Magento table's full name; `domains`: those that go to the ERP; `inbound`: what
    those need that the ERP owns; `triggers`: whether tables carry triggers; `optional`: tables that
    not every shop has, and this one does.
    """
    specs = tuple(domains)
    needs = [*(spec.needs for spec in specs), *inbound]
    narrow = {name: one.tables[name] for one in needs for name in one.by_column}
    wanted = {*SHOP, *(name for one in needs for name in one.reads), *optional}
    read = wanted - narrow.keys()
    watched = {watch.table for spec in specs for watch in spec.watches if triggers}
    writes = [f"{privilege} ON {table(name)}" for one in needs for privilege, name in one.writes]
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
