"""One shop's REST API: its logins, its faults, its server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sidecar.model.errors import Unavailable
from sidecar.testing.erpsim.wire import HOST, Server
from sidecar.testing.magento_db import Shop
from sidecar.testing.magento_db.session import Between
from sidecar.testing.magento_rest.faults import Fault, Faults, Misbehaviour
from sidecar.testing.magento_rest.gateway import Exchange, Gateway
from sidecar.testing.magento_rest.login import Integration, Logins, Resources

ADMIN, PASSWORD = "erp", "erp-password-1"
_POLL_SECONDS = 0.02


class MagentoRest:
    """Magento's REST API over a shop's database.

        with MagentoRest(shop) as rest:
            requests.post(f"{rest.url}/rest/V1/integration/admin/token", json={…})

    Who can log in is `ADMIN` with `PASSWORD`, and whom `logins` lets in.  Switches that Magento
    keeps in its configuration are there (`configure`).  `between` is called after each statement
    of each request, as in `Shop`.
    """

    def __init__(
        self,
        shop: Shop,
        *,
        port: int = 0,
        between: Between | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Listen on 127.0.0.1 (`port` 0: a free one).  Raises Unavailable when it is taken."""
        stopping = threading.Event()
        self._shop = shop
        self.logins = Logins(clock)
        self.logins.add_admin(ADMIN, PASSWORD)
        self.faults = Faults()
        self._gateway = Gateway(shop.database, self.logins, self.faults, stopping, between)
        try:
            self._server = Server(port, {"/": self._gateway.answer}, stopping)
        except OSError as taken:
            raise Unavailable(
                f"cannot listen on {HOST}:{port}: {taken.strerror}", "choose another port, or 0"
            ) from taken
        self._thread = threading.Thread(target=self.serve, name="magento-rest")

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        """The address of the shop; the API is below `/rest/`."""
        return f"http://{HOST}:{self.port}"

    def token(self, minutes: float = 60) -> str:
        """A token of the admin, as `integration/admin/token` gives one."""
        return self.logins.admin_token(ADMIN, PASSWORD, minutes)

    def integration(self, name: str = "ERP", resources: Resources = None) -> Integration:
        """A new integration with its four secrets."""
        return self.logins.add_integration(name, resources)

    def configure(self, path: str, value: object) -> None:
        """Set a value of Magento's configuration, `catalog/price/scope`, say (None: no value)."""
        session = self._shop.session
        session.delete("core_config_data", scope="default", scope_id=0, path=path)
        if value is not None:
            session.insert(
                "core_config_data",
                {"scope": "default", "scope_id": 0, "path": path, "value": str(value)},
            )

    def misbehave(
        self,
        misbehaviour: Misbehaviour,
        path: str = "*",
        *,
        method: str = "*",
        times: int | None = 1,
        skip: int = 0,
        seconds: float = 30.0,
        status: int = 503,
    ) -> Fault:
        """Have the next requests for a path (a shell pattern of what follows `V1/`) go wrong."""
        return self.faults.add(Fault(misbehaviour, path, method, times, skip, seconds, status))

    @property
    def maintenance(self) -> bool:
        """Whether the shop is in maintenance mode."""
        return self._gateway.maintenance

    @maintenance.setter
    def maintenance(self, on: bool) -> None:
        self._gateway.maintenance = on

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests so far, in the order in which they were answered."""
        return self._gateway.exchanges

    def serve(self) -> None:
        """Answer until `stop` is called from another thread."""
        self._server.serve_forever(_POLL_SECONDS)

    def stop(self) -> None:
        """End every connection and every wait."""
        self._server.stop()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._thread.join()
