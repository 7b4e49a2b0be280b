"""Magento's own database login, read from app/etc/env.php without running PHP.

Nearly every env.php is one literal array; some shops compute single values in it.  That is an
error only where it is one of the values needed here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sidecar.domain.errors import ConfigurationError, PermissionDenied
from sidecar.domain.secret import Secret
from sidecar.magento.php_literal import Computed, NotUnderstood, Table, Value, returned_array

_DEFAULT_PORT = 3306
_REMEDY = "write host, name, user and password under shop.database instead of magento_root"


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

    Raises ConfigurationError (`file:line: …`) when the file is missing, is not understood or lacks
    a value; PermissionDenied when it may not be read.
    """
    file = magento_root / "app" / "etc" / "env.php"
    try:
        settings = _Lookup(file, returned_array(_content(file)))
    except NotUnderstood as error:
        raise ConfigurationError(f"{file}:{error.line}: {error}", _REMEDY) from None
    host, port, socket = _address(settings)
    return EnvPhp(
        file=file,
        host=host,
        port=port,
        socket=socket,
        name=settings.text("db.connection.default.dbname"),
        user=settings.text("db.connection.default.username"),
        password=Secret(settings.text("db.connection.default.password", default="")),
        table_prefix=settings.text("db.table_prefix", default=""),
    )


def _content(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
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


def _address(settings: _Lookup) -> tuple[str, int, Path | None]:
    """Magento's reading of `host`: a path is a socket, what follows a colon is the port."""
    key = "db.connection.default.host"
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

    def wrong(self, path: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._file}:{self._line(path)}: {path} {what}", _REMEDY)

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
            found = value.entries.get(key)
            if found is None:
                break
            line = found.line
            if not isinstance(found, Table):
                break
            value = found
        return line
