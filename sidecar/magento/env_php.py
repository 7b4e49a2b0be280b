"""Magento's own database login, read from app/etc/env.php without running PHP.

Nearly every env.php is one literal array; some shops compute single values in it.  That is an
error only where it is one of the values needed here.  What says where Magento's tables are, or how
its connection is made, and is not understood, is refused: beside a split database an ignored key
would mean a shop whose orders nobody ever sees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sidecar.documents import open_regular
from sidecar.magento.php_literal import Computed, NotUnderstood, Table, Value, returned_array
from sidecar.model.errors import ConfigurationError, PermissionDenied
from sidecar.model.secret import Secret

_DEFAULT_PORT = 3306
_REMEDY = "write host, name, user and password under shop.database instead of magento_root"
_DEFAULT = "db.connection.default"

_DB = frozenset({"connection", "table_prefix"})
#: Keys of a connection that are read here, or that say nothing about where it leads and as whom.
_CONNECTION = frozenset({
    "host", "dbname", "username", "password", "active", "driver_options",
    "model", "engine", "initStatements", "type", "charset", "persistent", "profiler",
})  # fmt: skip
#: Options of PHP's driver that change neither where a connection leads nor how it is protected.
_PLAIN_OPTIONS = frozenset({
    "2", "12", "1000", "1001", "1002", "1003", "1005", "PDO::ATTR_TIMEOUT", "PDO::ATTR_PERSISTENT",
    "PDO::MYSQL_ATTR_USE_BUFFERED_QUERY", "PDO::MYSQL_ATTR_LOCAL_INFILE",
    "PDO::MYSQL_ATTR_INIT_COMMAND", "PDO::MYSQL_ATTR_COMPRESS", "PDO::MYSQL_ATTR_FOUND_ROWS",
})  # fmt: skip
#: Magento's own installer writes `1014 => false`: it changes nothing where no certificate is named.
_VERIFIES = frozenset({"1014", "PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT"})
#: The parts of Magento that Adobe Commerce can keep in databases of their own.
_SPLIT_OFF = ("checkout", "sales")


@dataclass(frozen=True, slots=True)
class EnvPhp:
    """The connection `default` of Magento's db section.

    `socket` is set where the host is the path of one; host and port are then Magento's defaults.
    """

    file: Path
    host: str
    port: int
    socket: Path | None
    name: str
    user: str
    password: Secret
    table_prefix: str


def read_env_php(magento_root: Path) -> EnvPhp:
    """Read the login of a Magento installation.

    Raises ConfigurationError (`file:line: …`) when the file is missing, lacks a value, or has one
    in its db section that is not understood; PermissionDenied when it may not be read.
    """
    file = magento_root / "app" / "etc" / "env.php"
    try:
        settings = _Lookup(file, returned_array(_content(file)))
    except NotUnderstood as error:
        raise ConfigurationError(f"{file}:{error.line}: {error}", _REMEDY) from None
    _require_one_plain_database(settings)
    host, port, socket = _address(settings)
    return EnvPhp(
        file=file,
        host=host,
        port=port,
        socket=socket,
        name=settings.text(f"{_DEFAULT}.dbname"),
        user=settings.text(f"{_DEFAULT}.username"),
        password=Secret(settings.text(f"{_DEFAULT}.password", default="")),
        table_prefix=settings.text("db.table_prefix", default=""),
    )


def _content(file: Path) -> str:
    try:
        with open_regular(file) as opened:
            return opened.read().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(
            f"{file}: there is no such file",
            f"set magento_root to Magento's own folder, or {_REMEDY}",
        ) from None
    except PermissionError:
        raise PermissionDenied(
            f"{file}: may not be read by this user",
            f"add this user to the file's group, or {_REMEDY}",
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}:1: is not UTF-8", _REMEDY) from None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}", _REMEDY) from None


def _require_one_plain_database(settings: _Lookup) -> None:
    """Raise ConfigurationError for what would be ignored and must not be."""
    for key in settings.keys("db"):
        if key == "slave_connection" and settings.keys("db.slave_connection"):
            raise settings.wrong(
                "db.slave_connection",
                "names a replica; the sidecar works on the primary server only",
            )
        if key not in _DB | {"slave_connection"}:
            raise settings.wrong(f"db.{key}", "is not understood")
    for key in settings.keys(_DEFAULT):
        if key not in _CONNECTION:
            raise settings.wrong(f"{_DEFAULT}.{key}", _refusal(key))
    if settings.text(f"{_DEFAULT}.active", default="1") != "1":
        raise settings.wrong(f"{_DEFAULT}.active", "says that this connection is not in use")
    _require_plain_options(settings)
    _require_not_split(settings)


def _refusal(key: str) -> str:
    if key == "port":
        return "is nothing that Magento reads: it wants the port within host (db.example.com:3307)"
    if "ssl" in key.lower():
        return "asks for TLS with settings of its own, which are not taken from here"
    return "is not understood"


def _require_plain_options(settings: _Lookup) -> None:
    for option in settings.keys(f"{_DEFAULT}.driver_options"):
        path = f"{_DEFAULT}.driver_options.{option}"
        verifies = option.lstrip("\\") in _VERIFIES
        if verifies and settings.text(path, default="") in ("", "0"):
            continue
        if verifies or option.lstrip("\\") not in _PLAIN_OPTIONS:
            raise settings.wrong(
                path,
                "is an option of PHP's database driver that is not taken from here (TLS with a "
                "certificate, for one)",
            )


def _require_not_split(settings: _Lookup) -> None:
    """Raise when orders live elsewhere: Magento then keeps empty tables of them in the default."""
    main = settings.text("resource.default_setup.connection", default="default")
    if main != "default":
        raise settings.wrong("resource.default_setup.connection", f"is {main!r}, not 'default'")
    for part in _SPLIT_OFF:
        used = settings.text(f"resource.{part}.connection", default=part)
        for name in dict.fromkeys((used, part)):
            path = f"db.connection.{name}"
            if name != "default" and settings.keys(path) and not _is_default(settings, path):
                raise settings.wrong(
                    path,
                    "is a database of its own (split databases), which is not supported",
                    "none while Magento's tables are in several databases (docs/limits.md); if it "
                    "is the same one, write its host and dbname as those of the default connection",
                )


def _is_default(settings: _Lookup, path: str) -> bool:
    return all(
        settings.text(f"{path}.{key}", default="") == settings.text(f"{_DEFAULT}.{key}", default="")
        for key in ("host", "dbname")
    )


def _address(settings: _Lookup) -> tuple[str, int, Path | None]:
    """Magento's reading of `host`: a path is a socket, what follows a colon is the port."""
    key = f"{_DEFAULT}.host"
    written = settings.text(key, default="localhost")
    if "/" in written:
        return "localhost", _DEFAULT_PORT, Path(written)
    host, colon, port = written.partition(":")
    if not colon:
        return host, _DEFAULT_PORT, None
    if not re.fullmatch(r"[0-9]{1,5}", port):
        raise settings.wrong(key, "has a port that is no number")
    return host, int(port), None


class _Lookup:
    """Values of the returned array by dotted path."""

    def __init__(self, file: Path, root: Table) -> None:
        self._file = file
        self._root = root

    def text(self, path: str, *, default: str | None = None) -> str:
        """The text at a path; `default` (if there is one) where it is missing or null."""
        value = self._find(path)
        if isinstance(value, Computed):
            raise self.wrong(path, "is computed by PHP, which is not run here")
        if isinstance(value, Table):
            raise self.wrong(path, "is an array where text is needed")
        if value is not None and value.value is not None:
            return value.value
        if default is None:
            raise self.wrong(path, "is missing")
        return default

    def keys(self, path: str) -> tuple[str, ...]:
        """The keys of the array at a path; none where it is missing, null or empty."""
        value = self._find(path)
        if isinstance(value, Computed):
            raise self.wrong(path, "is computed by PHP, which is not run here")
        return tuple(value.entries) if isinstance(value, Table) else ()

    def wrong(self, path: str, what: str, remedy: str = _REMEDY) -> ConfigurationError:
        return ConfigurationError(f"{self._file}:{self._line(path)}: {path} {what}", remedy)

    def _find(self, path: str) -> Value | None:
        value: Value | None = self._root
        for key in path.split("."):
            if isinstance(value, Computed) or value is None:
                return value
            value = value.entries.get(key) if isinstance(value, Table) else None
        return value

    def _line(self, path: str) -> int:
        """Line of the value, or of the nearest array around it."""
        line, value = self._root.line, self._root
        for key in path.split("."):
            entry = value.entries.get(key)
            if entry is None:
                break
            line = entry.line
            if not isinstance(entry, Table):
                break
            value = entry
        return line
