"""The composition root of an installation: with the login that may do it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sidecar.app.erp_adapters import load_adapter
from sidecar.app.sidecar import Sidecar, require_known
from sidecar.capture.triggers import Triggers
from sidecar.database.connection import Database, Login, require_supported
from sidecar.identity.clone_guard import CloneGuard
from sidecar.install.grants import optional_tables
from sidecar.install.installation import Installation
from sidecar.ledger.migrate import Ledger
from sidecar.magento.env_php import read_env_php
from sidecar.magento.live_schema import MagentoSchema, read_schema
from sidecar.model.secret import Secret


class Installer:
    """An installation with the login that may do it: `user`, Magento's own, or the daemon's."""

    def __init__(
        self,
        sidecar: Sidecar,
        *,
        user: str | None = None,
        password: Secret | None = None,
        magento_root: Path | None = None,
        socket: Path | None = None,
    ) -> None:
        self._sidecar = sidecar
        login = installers_login(sidecar.shop_database.login, user, password, magento_root, socket)
        # Out of env.php: the user that the shop itself uses.
        configured = sidecar.settings.shop.database.magento_root is not None and user is None
        self._is_magentos = magento_root is not None or configured
        self._is_other = login.user != sidecar.shop_database.login.user
        self._database = Database(login, connections=4)

    @property
    def ledger(self) -> Ledger:
        """The ledger's schema, with the installer's rights."""
        require_supported(self._database.server())
        return Ledger(self._database, self._sidecar.names)

    @property
    def triggers(self) -> Triggers:
        """The triggers that the configuration wants, with the installer's rights."""
        sidecar = self._sidecar
        return Triggers(
            self._database,
            sidecar.names,
            sidecar.specs if sidecar.settings.capture.triggers else (),
            sidecar.stop,
            prefix=sidecar.shop_database.prefix,
            is_magentos=self._is_magentos,
        )

    def optional_tables(self) -> list[str]:
        """Which of the tables that not every shop has this login sees."""
        shop = self._sidecar.shop_database
        return optional_tables(
            self._database,
            shop.login.database,
            shop.prefix,
            self._sidecar.specs,
            self._sidecar.inbound_needs,
        )

    def installation(self) -> Installation:
        """The installation, with server, mapping and Magento's tables checked."""
        sidecar = self._sidecar
        for account in sidecar.settings.accounts:
            load_adapter(sidecar.settings, account, origin=sidecar.origin).close()
        inbound = sidecar.inbound_needs
        prefix = sidecar.shop_database.prefix
        magento = read_schema(self._database, sidecar.specs, prefix, inbound=inbound)
        sidecar.require_stores(self._database, magento)
        parts = list(sidecar.parts_of(magento).values())
        require_known(self._database, parts)
        return Installation(
            self._database,
            sidecar.store,
            self.ledger,
            magento,
            self.triggers,
            sidecar.own_statuses,
            parts,
            daemon_user=self._daemon_user,
            guard=self._guard(magento),
            inbound=inbound,
        )

    def _guard(self, magento: MagentoSchema) -> CloneGuard:
        sidecar = self._sidecar
        return CloneGuard(
            self._database,
            sidecar.store,
            magento,
            owner=sidecar.name,
            machine=None,
            erps=sidecar.settings.guarded_addresses,
            clock=sidecar.clock,
            narrator=sidecar.narrator,
        )

    def close(self) -> None:
        """Give the installer's connections back."""
        self._database.close()

    def _daemon_user(self) -> str | None:
        """The daemon's `user@host` as the server sees it, when another database user installs."""
        if not self._is_other:
            return None
        own = Database(replace(self._sidecar.shop_database.login, database=""), connections=1)
        try:
            with own.transaction("logging in with the daemon's database user") as connection:
                return str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one())
        finally:
            own.close()


def installers_login(
    login: Login,
    user: str | None,
    password: Secret | None,
    magento_root: Path | None,
    socket: Path | None = None,
) -> Login:
    """The daemon's login with the user that the options name, else as it is.

    `socket`: by this Unix socket, as a database user without a password (unix_socket) wants it.
    """
    if socket is not None:
        login = replace(login, socket=str(socket))
    if magento_root is not None:
        env = read_env_php(magento_root)
        return replace(login, user=env.user, password=env.password)
    if user is not None:
        return replace(login, user=user, password=password or Secret(""))
    return login
