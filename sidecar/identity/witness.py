"""What the daemon saw of its ledger, kept outside the database.

A restore takes the whole schema back, with everything in it that could tell that it was taken back.
So the daemon leaves its last beat in a file of its state directory too, and a ledger that is older
than that was restored (docs/decisions/0034).
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from sidecar.model.identity import Seen

#: Where systemd tells a service that its StateDirectory= is.
_VARIABLE = "STATE_DIRECTORY"


class Witness:
    """One file; without a path it remembers nothing.

    Lost or unreadable, it is as if there had never been one: it can only raise a doubt, so its
    absence stops nobody.  Written without a flush to the disk: after a power cut an older one, or
    none, may be there, which raises no doubt either.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    @classmethod
    def of(cls, path: Path | None, shop: str, ledger: str) -> Witness:
        """The configured file, else one in systemd's state directory, else none.

        Named after shop and ledger: several daemons may share a state directory.
        """
        folder = os.environ.get(_VARIABLE, "").split(":")[0]
        if path is None and folder:
            path = Path(folder) / f"witness-{shop}-{ledger.replace('*', '')}.json"
        return cls(path)

    def read(self) -> Seen | None:
        """What was seen last, by whichever process."""
        if self.path is None:
            return None
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Seen)
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, seen: Seen) -> str | None:
        """Replace the file at once; gives why it could not be, None when all is well."""
        if self.path is None:
            return None
        fresh = self.path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.encode(seen))
            os.replace(fresh, self.path)
        except OSError as error:
            return f"{self.path} cannot be written: {error.strerror}"
        return None
