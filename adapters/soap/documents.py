"""Where the WSDL and what it imports come from: files, addresses, and what is shipped with us.

What was fetched from an address is kept on disk: a daemon that is started while the ERP is down
must be able to start, and an ERP whose WSDL is slow is not asked for it at every command.

A WSDL is a stranger's document that names further ones to read.  One that came from an address may
name its own origin (scheme, host and port) and nothing else; one in a file names regular files
beneath its own folder, and asks the network for nothing (docs/decisions/0020).
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from contextlib import suppress
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from platformdirs import user_cache_dir

from adapters.http.transport import NotSent, Request, Transport, Unanswered
from sidecar.model.errors import ConfigurationError, Unavailable
from sidecar.ports import AdapterSettings

#: A WSDL that was fetched within the last day is not fetched again (seconds).
FRESH = 86_400.0
_LARGEST = 16 * 1024 * 1024
_LARGEST_TOGETHER = 4 * _LARGEST
#: NetSuite's WSDL, the largest that is known, consists of 40 documents.
_MOST = 500
_SCHEMAS = resources.files("adapters.soap") / "schemas"
#: Addresses of the specifications, of which a daemon's start must not depend.
_SHIPPED = {
    "schemas.xmlsoap.org/soap/encoding": "soap-encoding.xsd",
    "www.w3.org/2001/xml.xsd": "xml.xsd",
    "www.w3.org/2001/03/xml.xsd": "xml.xsd",
    "www.w3.org/2009/01/xml.xsd": "xml.xsd",
}
_HTTP = ("http", "https")
_DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str | None, int | None]


def absolute(place: str) -> str:
    """An address as it is, a path from the root."""
    return place if is_address(place) else os.path.abspath(_path(place))


def joined(base: str, place: str) -> str:
    """What a document at `base` means by a place."""
    if urlsplit(place).scheme in (*_HTTP, "file"):
        return place if is_address(place) else _path(place)
    if is_address(base):
        return urljoin(base, place)
    return os.path.realpath(os.path.join(os.path.dirname(base), place))


def is_address(place: str) -> bool:
    """Whether it is fetched from the network."""
    return urlsplit(place).scheme in _HTTP


def cache_folder() -> Path:
    """systemd's CacheDirectory= where there is one, else the user's own."""
    given = os.environ.get("CACHE_DIRECTORY", "").partition(":")[0]
    return Path(given or user_cache_dir("erp-sidecar")) / "wsdl"


class Documents:
    """Loads one document after the other; zeep asks for each by its absolute place."""

    def __init__(
        self, settings: AdapterSettings, folder: Path | None = None, *, keeps: bool = True
    ) -> None:
        """`keeps`: what was fetched is kept in `folder`, for a day and for an ERP that is away."""
        self._keeps = keeps
        self._main = absolute(settings.wsdl or "")
        self._origin = _origin(self._main)
        self._transport = Transport(settings)
        self._folder = folder or cache_folder()
        self._loaded: dict[str, bytes] = {}

    def close(self) -> None:
        """Close connections, forget what was loaded."""
        self._loaded.clear()
        self._transport.close()

    def load(self, place: str) -> bytes:
        """The document's bytes.

        Raises ConfigurationError that names it, Unavailable where it is at an address that does
        not answer now.
        """
        place = absolute(place)
        if place not in self._loaded:
            self._loaded[place] = self._read(place)
            size = sum(map(len, self._loaded.values()))
            if len(self._loaded) > _MOST or size > _LARGEST_TOGETHER:
                raise ConfigurationError(
                    f"{self._main}: imports more than {_MOST} documents, or 64 MiB",
                    "is it a WSDL that somebody sent to do harm?",
                )
        return self._loaded[place]

    def _read(self, place: str) -> bytes:
        if not is_address(place):
            return self._read_file(place)
        parts = urlsplit(place)
        if shipped := _SHIPPED.get(f"{parts.netloc}{parts.path}".rstrip("/")):
            return (_SCHEMAS / shipped).read_bytes()
        if _origin(place) != self._origin:
            self._refuse(place)
        return self._fetched(place)

    def _refuse(self, place: str) -> None:
        if is_address(self._main):
            why = "a WSDL that is fetched imports from its own scheme, host and port only"
            remedy = "save the WSDL to a file, with all that it imports beneath its folder"
        else:
            why = "a WSDL in a file imports files beneath its own folder only"
            remedy = "save it there and write its name into the import (schemaLocation, location)"
        raise ConfigurationError(f"{self._main}: imports {place}, which is refused: {why}", remedy)

    def _read_file(self, path: str) -> bytes:
        if path != self._main and not self._is_beneath(path):
            self._refuse(path)
        try:
            return _content(path)
        except OSError as error:
            raise ConfigurationError(
                f"{path}: cannot be read: {error.strerror or error}", "correct the path (erp.wsdl)"
            ) from None

    def _is_beneath(self, path: str) -> bool:
        if is_address(self._main):
            return False
        # The WSDL may be a link into the folder that has its schemas.
        folders = {os.path.realpath(os.path.dirname(self._main))}
        folders.add(os.path.dirname(os.path.realpath(self._main)))
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(folder) for folder in folders)

    def _fetched(self, url: str) -> bytes:
        if not self._keeps:
            return self._asked(url)
        kept = self._folder / f"{hashlib.sha256(url.encode()).hexdigest()}.xml"
        try:
            if time.time() - kept.stat().st_mtime < FRESH:
                return kept.read_bytes()
        except OSError:
            pass  # never fetched, or swept away: fetch it
        try:
            content = self._asked(url)
        except (ConfigurationError, Unavailable):
            # An old one may differ from the ERP's; a daemon that does not start helps nobody.
            if kept.is_file():
                return kept.read_bytes()
            raise
        _keep(kept, content)
        return content

    def _asked(self, url: str) -> bytes:
        remedy = "is the address right, does the ERP run? Or save the WSDL to a file (erp.wsdl)"
        try:
            headers = {"Accept": "*/*"}
            request = Request("GET", url, headers=headers, asks=True, address_key="erp.wsdl")
            reply = self._transport.send(request)
        except (NotSent, Unanswered) as error:
            raise Unavailable(error.message, remedy) from error
        if reply.status == 429 or reply.status >= 500:
            raise Unavailable(f"GET {url}: HTTP {reply.status}", remedy)
        if reply.status != 200:
            raise ConfigurationError(f"GET {url}: HTTP {reply.status}", remedy)
        return reply.content


def _path(place: str) -> str:
    parts = urlsplit(place)
    return unquote(parts.path) if parts.scheme == "file" else place


def _origin(address: str) -> Origin | None:
    parts = urlsplit(address)
    if parts.scheme not in _HTTP:
        return None
    try:
        return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError:
        return None  # no port is called so: nothing has this origin


def _content(path: str) -> bytes:
    """Of a regular file: a pipe would hold us, and /dev/zero has no end.  Raises OSError."""
    # Opening a pipe waits for its writer unless it is told not to.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is no regular file")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError("it is larger than 16 MiB")
    return content


def _keep(path: Path, content: bytes) -> None:
    """Whole or not at all; a folder that cannot be written costs time at the next start only."""
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
