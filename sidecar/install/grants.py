"""The rights that an installation's users need, from its configuration and from its shop."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial

from sidecar.capture.least_rights import daemon_grants, inbound_needs
from sidecar.database.connection import Database as Server
from sidecar.ledger.grants import grants
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.env_php import read_env_php
from sidecar.model.domain_spec import DomainSpec, Needs
from sidecar.settings.schema import Database, Settings

_INSTALLER = "erp_installer"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Role(Enum):
    """Whose rights."""

    DAEMON = "daemon"
    INSTALLER = "installer"


@dataclass(frozen=True, slots=True)
class Printed:
    """Statements for `user`; `notes`: what depends on shop or server."""

    user: str
    statements: list[str]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Place:
    user: str
    is_here: bool
    schema: str
    prefix: str


def optional_tables(
    database: Server,
    schema: str,
    prefix: str,
    domains: Iterable[DomainSpec],
    inbound: Iterable[Needs] = (),
) -> list[str]:
    """What the shop has, as far as who asks may see it, of the tables that not every shop has."""
    needs = [*(spec.needs for spec in domains), *inbound]
    optional = [name for one in needs for name in one.optional]
    there = database.sizes([(schema, prefix + name) for name in optional])
    return [name for name in optional if (schema, prefix + name) in there]


def grants_for(
    settings: Settings,
    role: Role,
    user: str | None,
    specs: Sequence[DomainSpec],
    *,
    there: Collection[str] = (),
    sees_all: bool = False,
) -> Printed:
    """The statements for `user` (`user@host`); without one, for the configured name.

    `there`: tables that not every shop has and this one does; `sees_all`: it has no other of them.
    """
    place = _place(settings.shop.database)
    if user is None:
        name = place.user if role is Role.DAEMON else _INSTALLER
        user = f"{name}@{'localhost' if place.is_here else '%'}"
    elif "@" not in user:
        user = f"{user}@%"
    names = LedgerNames.placed(settings.ledger.schema, place.schema)

    def table(name: str) -> str:
        return f"`{place.schema}`.`{place.prefix}{name}`"

    if role is Role.INSTALLER:
        statements = grants(user, "grants-installer.sql", names, table, magento_schema=place.schema)
        return Printed(user, statements, _notes(user))
    domains = [spec for spec in specs if spec.name in settings.domains.carried()]
    inbound = inbound_needs(specs, settings.domains)
    wanted = partial(
        daemon_grants,
        user,
        table,
        names,
        domains=domains,
        inbound=inbound,
        triggers=settings.capture.triggers,
    )
    statements = wanted(optional=there)
    if sees_all:
        return Printed(user, statements, [])
    needs = [*(spec.needs for spec in domains), *inbound]
    optional = wanted(optional=[name for one in needs for name in one.optional])
    more = [f"  {statement};" for statement in optional if statement not in statements]
    notes = ["Where the shop has these tables, also (--magento-root PATH looks):", *more]
    return Printed(user, statements, notes if more else [])


def _place(database: Database) -> _Place:
    if database.magento_root is not None:
        env = read_env_php(database.magento_root)
        return _Place(
            env.user, env.socket is not None or env.host in _HERE, env.name, env.table_prefix
        )
    is_here = database.socket is not None or database.host in _HERE
    return _Place(database.user, is_here, database.name, database.table_prefix)


def _notes(user: str) -> list[str]:
    name, _, host = user.rpartition("@")
    to = f"ON *.* TO '{name}'@'{host}'"
    return [
        "The triggers run as Magento's own database user.  To name it, one of:",
        f"  MariaDB 10.5 and later:  GRANT SET USER {to};",
        f"  MySQL 8.2 and later:     GRANT SET_ANY_DEFINER {to};",
        f"  MySQL 8.0 and 8.1:       GRANT SET_USER_ID {to};",
        f"  MariaDB 10.4:            GRANT SUPER {to};",
        "With binary logging also: SET GLOBAL log_bin_trust_function_creators = 1;",
    ]
