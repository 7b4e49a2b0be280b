"""DDL on Magento's tables that gives way to checkout.

A DDL on a host table waits for every open transaction that touched the table, and every checkout
that comes meanwhile waits behind the DDL.  So each statement gives way, on MariaDB at once, on
MySQL after a second, and is tried again after a pause in which checkouts go first.
"""

from __future__ import annotations

import time

from sqlalchemy.exc import DBAPIError

from sidecar.database.connection import Database
from sidecar.model.errors import PermissionDenied, TryAgain
from sidecar.ports import Sleeper

#: Seconds of pauses after which a table counts as busy.
PATIENCE_SECONDS = 10.0
_SHORTEST_PAUSE_SECONDS = 0.1

_NEEDS_SUPER = 1227
_BINLOG_FORBIDS = 1419


class YieldingDdl:
    """Runs single DDL statements; `sleeper` waits between two tries."""

    def __init__(self, database: Database, sleeper: Sleeper) -> None:
        self._database = database
        self._sleeper = sleeper

    def run(self, statement: str) -> None:
        """Raises TryAgain when the table stayed busy, PermissionDenied with the line to run."""
        paused = 0.0
        while True:
            started = time.monotonic()
            try:
                self._try(statement)
            except TryAgain:
                # Twice as long as checkouts may have queued behind this try.
                pause = max(_SHORTEST_PAUSE_SECONDS, 2 * (time.monotonic() - started))
                paused += pause
                if paused > PATIENCE_SECONDS or self._sleeper.wait(pause):
                    raise
            else:
                return

    def _try(self, statement: str) -> None:
        with self._database.definition("changing triggers") as connection:
            # 0: MariaDB then does not wait at all, so nobody queues behind us; MySQL makes it 1
            # (test_an_install_that_meets_an_open_order_lets_the_next_order_pass).
            connection.exec_driver_sql("SET SESSION lock_wait_timeout = 0")
            try:
                connection.exec_driver_sql(statement.replace("%", "%%"))
            except DBAPIError as error:
                if explained := _missing_right(error, self._database.login.user):
                    raise explained from error
                raise


def code_and_text(error: DBAPIError) -> tuple[int, str]:
    """The server's error number (0: not the server's) and its words."""
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    code = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    return code, str(arguments[-1]) if arguments else ""


def _missing_right(error: DBAPIError, user: str) -> PermissionDenied | None:
    code, text = code_and_text(error)
    if code == _BINLOG_FORBIDS:
        return PermissionDenied(
            f"the binary log is on and {user} has no SUPER: it may not create triggers ({code})",
            "SET GLOBAL log_bin_trust_function_creators = 1, and the same in my.cnf (on RDS: in "
            "the parameter group); or capture.triggers: false, then the sweep alone captures",
        )
    if code == _NEEDS_SUPER:
        return PermissionDenied(
            f"{user} may not create a trigger that another database user defines ({code}: {text})",
            "install as Magento's own database user ('erp-sidecar install --magento-root PATH'), "
            "they then run as that one; or, on MariaDB: GRANT SET USER ON *.* TO "
            f"{user}; on MySQL: GRANT SET_ANY_DEFINER (before 8.2: SET_USER_ID) ON *.* TO {user}",
        )
    return None
