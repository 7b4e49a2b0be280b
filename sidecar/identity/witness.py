"""What the daemon saw of its ledger, kept outside the database.

A restore takes the whole schema back, with everything in it that could tell that it was taken back.
So the daemon leaves its last beat in a file of its state directory too, and a ledger that is older
than that was restored (docs/decisions/0034).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from sidecar.documents import open_regular
from sidecar.model.errors import ConfigurationError
from sidecar.model.identity import Seen

#: Where systemd tells a service that its StateDirectory= is, and where that is.
_VARIABLE = "STATE_DIRECTORY"
_OF_THE_SERVICE = Path("/var/lib/erp-sidecar")

_SEEN = msgspec.json.Decoder(Seen)


class Witness:
    """One file; without a path it remembers nothing.

    Lost or unreadable, it is as if there had never been one: it can only raise a doubt, so its
    absence stops nobody.  Written without a flush to the disk: after a power cut an older one, or
    none, may be there, which raises no doubt either.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    @classmethod
    def of(cls, path: Path | None, shop: str, ledger: str, server: str) -> Witness:
        """The configured file, else one in the state directory: only a user without home has none.

        Named after shop, ledger and `server`, the place in the configuration: several daemons, of
        an original and of its copy too, may share a state directory.
        """
        folder = _state_directory()
        if path is None and folder is not None:
            place = hashlib.sha256(server.encode()).hexdigest()[:8]
            path = folder / f"witness-{shop}-{ledger}-{place}.json"
        return cls(path)

    def read(self) -> Seen | None:
        """What was seen last, by whichever process."""
        if self.path is None:
            return None
        try:
            with open_regular(self.path) as file:
                return _SEEN.decode(file.read())
        except (ConfigurationError, OSError, msgspec.DecodeError):
            return None

    def write(self, seen: Seen) -> str | None:
        """Replace the file at once; gives why it could not be, None when all is well.

        Never by an earlier beat of the same record: whoever works beside us may be ahead.
        """
        if self.path is None:
            return None
        present = self.read()
        if present is not None and present.token == seen.token and present.beat > seen.beat:
            return None
        fresh = self.path.with_suffix(".new")
        try:
            if self.path.parent == _of_the_user():
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(seen))
            os.replace(fresh, self.path)
        except OSError as error:
            return f"{self.path} cannot be written: {error.strerror}"
        return None


def _state_directory() -> Path | None:
    """Systemd's for a service; the service's own for whoever may write there; else the user's."""
    given = os.environ.get(_VARIABLE, "").split(":")[0]
    if given:
        return Path(given)
    return _OF_THE_SERVICE if os.access(_OF_THE_SERVICE, os.W_OK) else _of_the_user()


def _of_the_user() -> Path | None:
    # Path.expanduser() raises where there is none.
    home = Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"))
    return home / "erp-sidecar" if home.is_absolute() else None
