"""Connections to the MySQL or MariaDB server on which Magento's tables and the ledger live.

Three ways to talk to it, and no other:

* `transaction()`: READ COMMITTED, lock waits of two seconds at the most.  In REPEATABLE READ an
  open claim blocks checkout, with or without SKIP LOCKED (facts: mysql-outbox 2.2), so the
  isolation is asserted on each new connection, not assumed.
* `snapshot()`: one consistent read-only view without any lock, for reading an order and its items
  of one moment.
* `definition()`: autocommit, for DDL, with a metadata-lock wait of one second: a DDL that queues
  behind one open reader makes every checkout queue behind the DDL (facts: mysql-outbox 2.6).

A transaction never spans a network call to the ERP.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoneFree

from sidecar.database import packet
from sidecar.model.errors import (
    BadData,
    ConfigurationError,
    PermissionDenied,
    SidecarError,
    TryAgain,
    Unavailable,
)
from sidecar.model.identity import ServerMark
from sidecar.model.secret import Secret

# What the pool says goes where logging was set up to go.  Without this line a Ctrl-C that fell into
# its clean-up of a connection was a traceback on the terminal (test_terminal.py).
logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())

LOCK_WAIT_SECONDS = 2
DEFINITION_WAIT_SECONDS = 1
#: An INSERT of many rows is cut here (characters of text): a server takes 16 MiB by default.
_LONGEST_INSERT = 1_000_000
OLDEST = {"MariaDB": (10, 4), "MySQL": (8, 0)}

# NO_BACKSLASH_ESCAPES: the driver then quotes a text by doubling its single quotes, which takes a
# hundredth of the time that escaping takes; the payload of an order is 10 kB and full of quotes.
_SESSION = (
    "SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = {wait}, lock_wait_timeout = "
    "{wait}, sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_BACKSLASH_ESCAPES'"
)

# The servers number the same refusals differently (test_login.py): an expired password is 1862 on
# MySQL, 1820 on MariaDB; a locked account 3118 and 4151; 3032 is MySQL's offline_mode.
_UNREACHABLE = frozenset({2002, 2003, 2005, 2006, 2013, 1040, 1053, 1077, 1927, 3032, 4031})
_LOGIN_REFUSED = frozenset({1045, 1698, 1130, 1820, 1862, 3118, 4151})
_HOST_REFUSED = 1130
_NO_SCHEMA_RIGHT = 1044
_RIGHT_MISSING = frozenset({1142, 1143, 1227, 1370, 1410, 1419})
_LOCKED = frozenset({1205, 1213, 3572, 1020, 3058})
#: What a new connection asks for, in one statement: its isolation, and which server it reached.
_ASKED = (
    "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation', "
    "'server_uuid', 'server_uid', 'hostname', 'port', 'datadir', 'max_allowed_packet', "
    "'idle_write_transaction_timeout')"
)
#: A daemon that is frozen inside a transaction holds Magento's rows so long, no longer.  MariaDB
#: ends a transaction that wrote and is idle; MySQL only a connection that is idle in whatever.
_IDLE_WRITING_SECONDS = 15
_IDLE_SECONDS = 60
_MARK = "server mark"
#: Refusals that quote names of things alone (a definer, a column, a table, a plugin): the cause.
_QUOTES_NAMES = frozenset({
    1030, 1048, 1114, 1129, 1193, 1194, 1195, 1265, 1273, 1286, 1305, 1356, 1359, 1360, 1364, 1406,
    1412, 1418, 1449, 1451, 1452, 1524, 1526, 3819, 4025,
})  # fmt: skip
#: What was written, in the server's quotes, which it may have in itself; what follows is ours.
_VALUE = re.compile(
    r"'.*'(?= for (?:key|column) (?:'[\w.]+'|[`\w.]+)(?: at row \d+)?$)"
    r"|'.*'(?=(?: at (?:row|line) \d+)?$)",
    re.DOTALL,
)
_MISSING_OBJECT = frozenset({1049, 1054, 1109, 1146})
_READ_ONLY = frozenset({1290, 1792, 1836})
# What lies in the values and not in the server, beyond what the driver itself calls a data error: a
# collation that cannot be mixed, a number beyond a function's range, JSON, a check, a packet, and
# 1644, by which a module's own trigger refuses a row.
_OF_DATA = frozenset({1153, 1267, 1365, 1366, 1411, 1441, 1644, 1690, 3140, 3819, 4025, 4038})


@dataclass(frozen=True, slots=True)
class Login:
    """Where the server is and who we are there; `socket` wins over host and port."""

    user: str
    password: Secret
    database: str
    host: str = "127.0.0.1"
    port: int = 3306
    socket: str | None = None

    @property
    def place(self) -> str:
        """The server for a message: never with the password."""
        return f"socket {self.socket}" if self.socket else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Server:
    """What the server says of itself."""

    flavour: str
    version: tuple[int, ...]
    version_text: str
    variables: dict[str, str]

    def on(self, variable: str) -> bool:
        """Whether a server variable is switched on."""
        return self.variables.get(variable, "").upper() in {"1", "ON", "YES"}


@dataclass(frozen=True, slots=True)
class Size:
    """Of a table; `rows` is an estimate."""

    engine: str
    rows: int
    data_bytes: int
    index_bytes: int


class Database:
    """One server reached with one login; safe to use from several threads."""

    def __init__(self, login: Login, *, connections: int = 8) -> None:
        self.login = login
        url = sa.URL.create("mysql+pymysql", username=login.user, database=login.database)
        arguments = _driver_arguments(login)
        self._engine = sa.create_engine(
            url,
            isolation_level="READ COMMITTED",
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            pool_recycle=600,
            connect_args=arguments,
        )
        event.listen(self._engine, "connect", _prepare_session)
        event.listen(self._engine, "before_cursor_execute", packet.require_fit)
        # Connections of their own, and no pooled one switched to autocommit and back: the library
        # lets an error while switching back pass as the driver raised it, and a server that died
        # at that moment was then not "unreachable" (test_killed_peers.py).
        self._definitions = sa.create_engine(
            url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool, connect_args=arguments
        )
        event.listen(self._definitions, "connect", _prepare_definition)

    @contextmanager
    def transaction(self, doing: str = "") -> Iterator[sa.Connection]:
        """A READ COMMITTED transaction, committed at the end; `doing` names it in errors."""
        with self._explained(doing), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self, doing: str = "") -> Iterator[sa.Connection]:
        """One consistent read-only view, opened here and closed at the end."""
        with self._explained(doing), self._engine.begin() as connection:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            yield connection

    @contextmanager
    def definition(self, doing: str = "") -> Iterator[sa.Connection]:
        """A connection for DDL, each statement by itself, giving way after one second."""
        with self._explained(doing), self._definitions.connect() as connection:
            yield connection

    def server(self) -> Server:
        """Ask the server what it is."""
        with self.transaction("asking the server for its version") as connection:
            rows = connection.exec_driver_sql("SHOW GLOBAL VARIABLES")
            variables = {str(name).lower(): str(value) for name, value in rows}
        text = variables["version"]
        numbers = re.match(r"[\d.]+", text.removeprefix("5.5.5-"))
        if numbers is None:
            raise ConfigurationError(f"the server calls itself {text!r}: not a version we know")
        flavour = "MariaDB" if "mariadb" in text.lower() else "MySQL"
        version = tuple(int(part) for part in numbers.group().strip(".").split("."))
        return Server(flavour, version, text, variables)

    def sizes(self, tables: Collection[tuple[str, str]]) -> dict[tuple[str, str], Size]:
        """(schema, table) → how large it is, as the server reckons; absent ones are left out."""
        with self.transaction("asking for the size of tables") as connection:
            rows = connection.exec_driver_sql(
                "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE, TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH "
                "FROM information_schema.TABLES WHERE (TABLE_SCHEMA, TABLE_NAME) IN %s",
                (list(tables),),
            )
            return {(row[0], row[1]): Size(*row[2:]) for row in rows}

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise explain(error, self.login, doing) from error
        except OSError as error:
            # Not every break of the wire reaches us as an error of the driver.
            raise Unavailable(
                f"the database cannot be reached ({type(error).__name__}) as "
                f"{self.login.user}@{self.login.place}{f' while {doing}' if doing else ''}",
                "check that the server runs and that shop.database names its host, port or socket",
            ) from error
        except NoneFree as error:
            raise Unavailable(
                f"all connections to {self.login.place} are taken by statements that the server "
                f"does not answer{f', while {doing}' if doing else ''}",
                "look at the server's process list; it is retried",
            ) from error


def insert_rows(
    connection: sa.Connection,
    into: str,
    row: str,
    rows: Sequence[tuple[object, ...]],
    on_duplicate: str = "",
) -> None:
    """INSERT INTO `into` VALUES `row`, `row`, … with as few statements as possible.

    The driver's own `executemany` does so only where a row is nothing but placeholders; with a
    UTC_TIMESTAMP(3) among them it takes a round trip for each.
    """
    for part in _parts(rows):
        values = ", ".join([row] * len(part))
        connection.exec_driver_sql(
            f"INSERT INTO {into} VALUES {values} {on_duplicate}", tuple(chain.from_iterable(part))
        )


def _parts(rows: Sequence[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    part: list[tuple[object, ...]] = []
    length = 0
    for row in rows:
        own = sum(len(value) for value in row if isinstance(value, str))
        if part and length + own > _LONGEST_INSERT:
            yield part
            part, length = [], 0
        part.append(row)
        length += own
    if part:
        yield part


def server_of(connection: sa.Connection) -> ServerMark:
    """Which server this connection reached; known since it was opened, nobody is asked."""
    mark: ServerMark = connection.info[_MARK]
    return mark


def knows_skip_locked(server: Server) -> bool:
    """Whether a locking read can leave out rows that somebody else holds."""
    return server.version >= {"MariaDB": (10, 6), "MySQL": (8, 0, 1)}[server.flavour]


def require_supported(server: Server) -> None:
    """Refuse a server on which the promises do not hold; raises ConfigurationError."""
    oldest = OLDEST[server.flavour]
    if server.version[:2] < oldest:
        raise ConfigurationError(
            f"{server.flavour} {server.version_text} is older than "
            f"{oldest[0]}.{oldest[1]}, the oldest that is supported",
            "run Magento on a server version that Adobe supports for Magento 2.4",
        )
    if server.on("log_bin") and server.variables.get("binlog_format", "").upper() == "STATEMENT":
        raise ConfigurationError(
            "binlog_format is STATEMENT: READ COMMITTED, without which checkout would wait for "
            "us, cannot write there (error 1665)",
            "set binlog_format=ROW, the only format that Adobe supports",
        )
    if server.on("read_only") or server.on("super_read_only"):
        raise ConfigurationError(
            "this server is read-only, probably a replica",
            "point shop.database at the server that Magento writes to",
        )


def explain(error: DBAPIError, login: Login, doing: str) -> SidecarError:
    """The server's error as one of ours: what happened, where, what to do.

    The statement's parameters are left out: they may be personal data.
    """
    code, text = _code_and_text(error)
    if code in _LOGIN_REFUSED or code == _NO_SCHEMA_RIGHT:
        return _refused(code, text, login, doing)
    where = f"{login.user}@{login.place}" + (f" while {doing}" if doing else "")
    if code in _RIGHT_MISSING:
        return PermissionDenied(
            f"a right is missing ({code}: {text}) as {where}",
            "set log_bin_trust_function_creators=1, or use capture.triggers: false"
            if code == 1419
            else "compare the account's rights with those that 'erp-sidecar grants print' prints",
        )
    if code in _MISSING_OBJECT:
        return ConfigurationError(
            f"the database has no such object ({code}: {text}) as {where}",
            "check shop.database.name, table_prefix and ledger.schema; run 'erp-sidecar install' "
            "for the ledger",
        )
    if code in _READ_ONLY:
        return Unavailable(
            f"the server is read-only now ({code}) as {where}", "after a failover: it is retried"
        )
    if code in _LOCKED:
        return TryAgain(f"gave way to another transaction ({code}) as {where}", "try again")
    if code in _UNREACHABLE or error.connection_invalidated:
        return Unavailable(
            f"the database cannot be reached ({code}: {text}) as {where}",
            "check that the server runs and that shop.database names its host, port or socket",
        )
    unquoted = _without_values(code, text)
    if isinstance(error, DataError | IntegrityError) or code in _OF_DATA:
        return BadData(f"the database cannot take a value ({code}: {unquoted}) as {where}")
    return SidecarError(f"the database refused a statement ({code}: {unquoted}) as {where}")


def _refused(code: int, text: str, login: Login, doing: str) -> PermissionDenied:
    """The server's words name the account as it sees it: host name or address, with a password?"""
    where = f"{login.user}@{login.place}" + (f" while {doing}" if doing else "")
    if code == _NO_SCHEMA_RIGHT:
        return PermissionDenied(
            f"the account has no right on schema {login.database!r}, or there is none of that name "
            f"({code}: {text}) as {where}",
            "check shop.database.name against Magento's app/etc/env.php; if it is right, "
            "'erp-sidecar install' grants what the account needs; 'erp-sidecar grants print' "
            "prints it",
        )
    remedy = (
        "check shop.database.user and the file or credential that its password names; a changed "
    )
    remedy += "one is taken up by 'systemctl reload erp-sidecar' (SIGHUP)"
    if code == _HOST_REFUSED:
        remedy = (
            "create the account for this machine as the server names it above; where the server "
            "runs with skip-name-resolve, by its IP address"
        )
    elif not login.password.reveal() and not login.socket:
        remedy = (
            "an account without a password mostly signs in by unix_socket: as that system user, "
            "with --socket /run/mysqld/mysqld.sock (for install, uninstall, triggers, migrate)"
        )
    elif "@'localhost'" not in text and not login.socket:
        remedy += "; an account is for one host, as the server names it above: with "
        remedy += "skip-name-resolve only IP addresses count"
    return PermissionDenied(f"the database refused the login ({code}: {text}) as {where}", remedy)


def _without_values(code: int, text: str) -> str:
    """The server's words without what was written, which may be a name or an e-mail."""
    if code in _QUOTES_NAMES:
        return text
    struck, found = _VALUE.subn("'…'", text, count=1)
    return struck if found else re.sub(r"'.*'", "'…'", text, flags=re.DOTALL)


def _code_and_text(error: DBAPIError) -> tuple[int, str]:
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    code = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    return code, str(arguments[1]) if len(arguments) > 1 else type(error.orig).__name__


def _driver_arguments(login: Login) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "password": login.password.reveal(),
        "charset": "utf8mb4",
        "connect_timeout": 5,
        "read_timeout": 60,
        "write_timeout": 60,
    }
    if login.socket:
        # The driver would speak TLS there too, as MySQL offers it: 20 ms for each connection, for
        # bytes that do not leave the machine (test_no_tls_is_spoken_on_a_socket).
        return arguments | {"unix_socket": login.socket, "ssl_disabled": True}
    return arguments | {"host": login.host, "port": login.port}


def _prepare_session(connection: Any, record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SESSION.format(wait=LOCK_WAIT_SECONDS))
        cursor.execute(_ASKED)
        found = {str(name).lower(): str(value) for name, value in cursor.fetchall()}
        cursor.execute(_idle_limit(found))
    levels = {value for name, value in found.items() if name.endswith("isolation")}
    if levels != {"READ-COMMITTED"}:
        raise ConfigurationError(
            f"the session's isolation is {', '.join(sorted(levels)) or 'unknown'} although READ "
            "COMMITTED was asked for: checkout would wait for us",
            "look for an init_connect or a proxy that sets the isolation",
        )
    record.info[_MARK] = ServerMark(
        uuid=found.get("server_uuid") or found.get("server_uid") or "",
        host=found.get("hostname", ""),
        port=found.get("port", ""),
        data=found.get("datadir", ""),
    )
    packet.remember(record.info, int(found["max_allowed_packet"]))


def _idle_limit(variables: Mapping[str, str]) -> str:
    if "idle_write_transaction_timeout" in variables:
        return f"SET SESSION idle_write_transaction_timeout = {_IDLE_WRITING_SECONDS}"
    return f"SET SESSION wait_timeout = {_IDLE_SECONDS}"


def _prepare_definition(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SESSION.format(wait=DEFINITION_WAIT_SECONDS))
