"""What the checks look at, part by part; a part that cannot be had does not keep the others."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from sidecar.app.domains import specs
from sidecar.app.erp_adapters import load_adapter
from sidecar.app.installer import installers_login
from sidecar.app.magento_api import magento_rest
from sidecar.app.sidecar import Sidecar
from sidecar.capture.trigger_plan import LiveSchema, read_live
from sidecar.capture.triggers import Triggers
from sidecar.database.connection import Database, Server
from sidecar.ledger.store import LedgerStore
from sidecar.magento.live_schema import MagentoSchema, read_schema
from sidecar.magento.rest.survey import Survey, looked
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import PermissionDenied, SidecarError, Unavailable
from sidecar.model.secret import Secret
from sidecar.monitor.ledger_vitals import LedgerVitals
from sidecar.ports import Ping
from sidecar.settings.load import Loaded

_ADMINISTRATOR = "erp-sidecar doctor --user root --password-file /root/.db-password"
_T = TypeVar("_T")


class Unseen(Exception):
    """A check could not look; says why."""


class part(Generic[_T]):  # noqa: N801 - reads as the decorator that it is
    """A property that is made once; when that fails, whoever needs it raises `Unseen`."""

    def __init__(self, make: Callable[[Any], _T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, examined: None, owner: type) -> part[_T]: ...
    @overload
    def __get__(self, examined: ExaminedInstallation, owner: type) -> _T: ...
    def __get__(self, examined: ExaminedInstallation | None, owner: type) -> part[_T] | _T:
        if examined is None:
            return self
        refusals = examined.refusals
        if self._name not in examined.__dict__ and self._name not in refusals:
            try:
                examined.__dict__[self._name] = self._make(examined)
            except SidecarError as error:
                refusals[self._name] = error
        if self._name in refusals:
            raise Unseen(refusals[self._name].message)
        made: _T = examined.__dict__[self._name]
        return made


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How long a thing may last before it is reported."""

    view: timedelta = timedelta(minutes=30)
    overdue: timedelta = timedelta(minutes=15)
    hint: timedelta = timedelta(minutes=10)


class ExaminedInstallation:
    """One installation, whose daemon runs as `service_user`.

    `user`, `password`, `magento_root`, `socket`: a database user that may look further
    into the server than the daemon's, as for `install`.
    """

    def __init__(
        self,
        load: Callable[[], Loaded],
        *,
        user: str | None = None,
        password: Secret | None = None,
        magento_root: Path | None = None,
        socket: Path | None = None,
        service_user: str,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._load = load
        self.magento_root = magento_root
        self._named = (user, password, magento_root, socket)
        self._is_named = user is not None or magento_root is not None
        self._service_user = service_user
        self.thresholds = thresholds or Thresholds()
        self.refusals: dict[str, SidecarError] = {}
        self._open: list[Database] = []

    def refusal(self, name: str) -> SidecarError | None:
        """Why this part cannot be had; `Unseen` when that is because of another part."""
        try:
            self.need(name)
        except Unseen:
            if name in self.refusals:
                return self.refusals[name]
            raise
        return None

    def need(self, name: str) -> None:
        """Raise `Unseen` when this part cannot be had."""
        getattr(self, name)

    @part
    def configuration(self) -> Loaded:
        """The files, checked."""
        return self._load()

    @part
    def domains(self) -> tuple[DomainSpec, ...]:
        """All domains that are installed."""
        return specs()

    @part
    def sidecar(self) -> Sidecar:
        """What the configuration stands for; its login is read on the way."""
        return Sidecar(self.configuration.settings, origin=self.configuration.origin)

    @part
    def daemon_login(self) -> Database:
        """The server with the daemon's database user, whether we support it or not."""
        database = self._opened(Database(self.sidecar.shop_database.login, connections=2))
        database.server()
        return database

    @part
    def database(self) -> Database:
        """The same; where the user is refused (before an installation), the named one."""
        refused = isinstance(self.refusal("daemon_login"), PermissionDenied)
        database = self.administrator if refused and self._is_named else self.daemon_login
        # What the daemon would refuse to work on is a finding here, and no reason to stop looking.
        self.sidecar.database = database
        return database

    @part
    def server(self) -> Server:
        """What it says of itself."""
        return self.database.server()

    @part
    def administrator(self) -> Database:
        """The user that was named for looking further, else the daemon's."""
        if not self._is_named:
            return self.daemon_login
        login = installers_login(self.sidecar.shop_database.login, *self._named)
        database = self._opened(Database(login, connections=2))
        database.server()
        return database

    @part
    def daemon_login_without_schema(self) -> Database:
        """The daemon's login without a schema: a user without rights gets this far."""
        if isinstance(self.refusal("daemon_login"), Unavailable):
            self.need("daemon_login")  # says why, as for all others
        login = replace(self.sidecar.shop_database.login, database="")
        database = self._opened(Database(login, connections=1))
        database.server()
        return database

    @part
    def magento(self) -> MagentoSchema:
        """Magento's tables."""
        return self._schema_of(self.database)

    @part
    def live(self) -> LiveSchema:
        """Magento's triggers, as far as the user that may look further sees them."""
        shop = self.sidecar.shop_database
        with self.administrator.transaction("reading triggers") as connection:
            return read_live(connection, shop.login.database, shop.prefix, self.sidecar.specs)

    @part
    def triggers(self) -> Triggers:
        """Plan and comparison; the ledger is asked for their definer."""
        self.need("magento")
        return self.sidecar.triggers

    @part
    def ledger(self) -> LedgerStore:
        """The ledger, of this version."""
        self.need("database")  # before the Sidecar makes one, which asserts fitness
        self.sidecar.ledger.require_current()
        return self.sidecar.store

    @part
    def vitals(self) -> LedgerVitals:
        """The ledger's figures, as `status` and `nagios` have them."""
        self.need("ledger")
        reader = self.sidecar.ledger_vitals()
        with self.database.transaction("reading the ledger's figures") as connection:
            return reader.read(connection)

    @part
    def pings(self) -> Mapping[str, Ping | SidecarError]:
        """What each ERP account says to something harmless, or why it cannot be asked."""
        self.need("domains")  # the adapters are told of them
        return {name: self._ping(name) for name in self.configuration.settings.accounts}

    def _ping(self, account: str) -> Ping | SidecarError:
        loaded = self.configuration
        try:
            with closing(load_adapter(loaded.settings, account, origin=loaded.origin)) as adapter:
                return adapter.ping()
        except SidecarError as error:
            return error

    @part
    def api(self) -> Survey | SidecarError | None:
        """What is seen of the shop's REST API, or why nothing is; None where it is not named."""
        loaded = self.configuration
        if loaded.settings.shop.api is None:
            return None
        return looked(magento_rest(loaded.settings.shop.api, loaded.origin))

    def need_all_tables(self) -> None:
        """Raise `Unseen` for a look at tables that the daemon's database user has no right on."""
        if not self._is_named:
            raise Unseen(f"hidden from the daemon's database user: {_ADMINISTRATOR}")

    @part
    def whole_magento(self) -> MagentoSchema:
        """Magento's tables, as far as the user that may look further sees them."""
        return self._schema_of(self.administrator)

    def _schema_of(self, database: Database) -> MagentoSchema:
        sidecar = self.sidecar
        prefix = sidecar.shop_database.prefix
        return read_schema(database, sidecar.specs, prefix, inbound=sidecar.inbound_needs)

    @cached_property
    def daemon(self) -> pwd.struct_passwd | None:
        """The user that the daemon runs as, where we are root and it is another."""
        try:
            return pwd.getpwnam(self._service_user) if os.getuid() == 0 else None
        except KeyError:
            return None

    @property
    def daemons_name(self) -> str:
        """That user's name, for a command."""
        return self.daemon.pw_name if self.daemon else self._service_user

    def ask(self, statement: str, *values: object, database: Database | None = None) -> list[Any]:
        """The rows of one question, with the user that may look further."""
        asked = database or self.administrator
        try:
            with asked.transaction("looking at the server") as connection:
                return list(connection.exec_driver_sql(statement, values or None))
        except PermissionDenied as error:
            if database is None and not self._is_named:
                raise Unseen(f"hidden from the daemon's database user: {_ADMINISTRATOR}") from error
            raise

    def close(self) -> None:
        """Give the connections back."""
        for database in self._open:
            database.close()

    def _opened(self, database: Database) -> Database:
        self._open.append(database)
        return database


def permitted(path: Path, user: pwd.struct_passwd | None, wanted: int) -> bool:
    """Whether the file's mode lets `user`, or us, do `wanted` (os.R_OK, os.W_OK)."""
    if user is None:
        return os.access(path, wanted)
    file = path.stat()
    if file.st_uid == user.pw_uid:
        return bool(file.st_mode >> 6 & wanted)
    if file.st_gid in os.getgrouplist(user.pw_name, user.pw_gid):
        return bool(file.st_mode >> 3 & wanted)
    return bool(file.st_mode & wanted)


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first of them, and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
