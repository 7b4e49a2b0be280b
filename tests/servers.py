"""Which server program a run is for: ERP_SIDECAR_TEST_SERVER=mariadb (default) or mysql."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from sidecar.testing.magento_db import Flavour, MariaDb, MySql

_FLAVOURS: Mapping[str, Callable[[], Flavour]] = {"mariadb": MariaDb.find, "mysql": MySql.find}


def flavour_asked_for() -> Flavour:
    """The program; `Unavailable` with the remedy when it is not here."""
    return _FLAVOURS[os.environ.get("ERP_SIDECAR_TEST_SERVER", "mariadb")]()


def is_mysql() -> bool:
    """Whether MySQL was asked for."""
    return os.environ.get("ERP_SIDECAR_TEST_SERVER") == "mysql"
