"""What the simulator's books are kept in: files that survive a kill."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from sidecar.model.errors import BadData, TryAgain

Record = TypeVar("Record", bound=msgspec.Struct)


class Journal(Generic[Record]):
    """Append-only file, a JSON line per version of a record; one process at a time may hold it."""

    def __init__(self, path: Path, kind: Any) -> None:
        """`kind` is the type of the records, or a union of tagged ones."""
        self.path = path
        self._kind = kind
        self._file = path.open("ab", buffering=0)
        try:
            # Two simulators on one journal would hand out the same numbers.  Not lockf: that lock
            # is lost as soon as `replay` closes its own handle of the file.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            self._file.close()
            raise TryAgain(
                f"the state file {path} is in use by another simulator",
                "stop that one or give this one a --state-file of its own",
            ) from held
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def append(self, record: Record) -> None:
        """One unbuffered write: the line is the kernel's when this returns, so a kill keeps it."""
        self._file.write(self._encoder.encode(record) + b"\n")

    def replay(self) -> Iterator[Record]:
        """Every version in the order it was written."""
        decoder = msgspec.json.Decoder(self._kind, float_hook=Decimal)
        written = self.path.read_bytes()
        whole = written.rfind(b"\n") + 1
        # Only a kill in the middle of a write leaves a last line without its end; nobody was told
        # of that record, so it was never booked.
        self._file.truncate(whole)
        for number, line in enumerate(written[:whole].splitlines(), start=1):
            try:
                yield decoder.decode(line)
            except msgspec.MsgspecError as broken:
                self._file.close()
                raise BadData(
                    f"{self.path}:{number} is not a record of the simulator: {broken}",
                    "remove the state file to start with empty books",
                ) from broken

    def clear(self) -> None:
        self._file.truncate(0)

    def close(self) -> None:
        self._file.close()
