"""Where the WSDL and what it imports come from: files, addresses, and what is shipped with us.

What was fetched from an address is kept on disk: a daemon that is started while the ERP is down
must be able to start, and an ERP whose WSDL is slow is not asked for it at every command.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from dataclasses import replace
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

from platformdirs import user_cache_dir

from adapters.http.transport import NotSent, Request, Transport, Unanswered
from sidecar.domain.errors import ConfigurationError, Unavailable
from sidecar.ports import Connection

#: A WSDL that was fetched within the last day is not fetched again (seconds).
FRESH = 86_400.0
_SCHEMAS = resources.files("adapters.soap") / "schemas"
#: Addresses of the specifications, of which a daemon's start must not depend.
_SHIPPED = {
    "schemas.xmlsoap.org/soap/encoding": "soap-encoding.xsd",
    "www.w3.org/2001/xml.xsd": "xml.xsd",
    "www.w3.org/2001/03/xml.xsd": "xml.xsd",
    "www.w3.org/2009/01/xml.xsd": "xml.xsd",
}


def cache_folder() -> Path:
    """systemd's CacheDirectory= where there is one, else the user's own."""
    given = os.environ.get("CACHE_DIRECTORY", "").partition(":")[0]
    return Path(given or user_cache_dir("erp-sidecar")) / "wsdl"


class Documents:
    """Loads one document after the other; zeep asks for each by its absolute place."""

    def __init__(self, connection: Connection, folder: Path | None = None) -> None:
        self._own = urlsplit(connection.wsdl or "").netloc
        self._transport = Transport(connection)
        # What the WSDL imports from elsewhere is nobody to show our password to.
        self._stranger = Transport(replace(connection, auth={}, secrets={}, tls=_trust(connection)))
        self._folder = folder or cache_folder()
        self._loaded: dict[str, bytes] = {}

    def close(self) -> None:
        """Close connections, forget what was loaded."""
        self._loaded.clear()
        self._transport.close()
        self._stranger.close()

    def load(self, place: str) -> bytes:
        """The document's bytes.

        Raises ConfigurationError that names it, Unavailable where it is at an address that does
        not answer now.
        """
        if place not in self._loaded:
            self._loaded[place] = self._read(place)
        return self._loaded[place]

    def _read(self, place: str) -> bytes:
        parts = urlsplit(place)
        if parts.scheme in ("http", "https"):
            shipped = _SHIPPED.get(f"{parts.netloc}{parts.path}".rstrip("/"))
            return (_SCHEMAS / shipped).read_bytes() if shipped else self._fetched(place)
        path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(place)
        try:
            return path.read_bytes()
        except OSError as wrong:
            raise ConfigurationError(
                f"{path}: cannot be read: {wrong.strerror}", "correct the path (erp.wsdl)"
            ) from None

    def _fetched(self, url: str) -> bytes:
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
        transport = self._transport if urlsplit(url).netloc == self._own else self._stranger
        remedy = "is the address right, does the ERP run? Or save the WSDL to a file (erp.wsdl)"
        try:
            reply = transport.send(Request("GET", url, headers={"Accept": "*/*"}))
        except (NotSent, Unanswered) as wrong:
            raise Unavailable(wrong.message, remedy) from wrong
        if reply.status == 429 or reply.status >= 500:
            raise Unavailable(f"GET {url}: HTTP {reply.status}", remedy)
        if reply.status != 200:
            raise ConfigurationError(f"GET {url}: HTTP {reply.status}", remedy)
        return reply.content


def _trust(connection: Connection) -> dict[str, str]:
    return {key: value for key, value in connection.tls.items() if key == "ca_file"}


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
