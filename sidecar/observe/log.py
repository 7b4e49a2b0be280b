"""The log: one JSON object a line for machines, a readable form for people.

Every line has a stable event name and `corr`, the event's id, which is the same from the trigger's
hint to the ERP's document.  Personal data is absent by construction: a station names its fields
one by one, none of them is taken from a payload, and what an ERP said in its own words stays in the
ledger (`discretion`).
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from sidecar.model.printable import printable, printable_json
from sidecar.observe.discretion import discreet
from sidecar.observe.folding import Folding
from sidecar.observe.log_file import Line, LogFile, StandardError, timestamp

if TYPE_CHECKING:
    from loguru import Message, Record

_WARNINGS = (
    "delivery.rejected", "delivery.parked", "delivery.unknown", "delivery.difference",
    "delivery.lease_expired", "delivery.fenced_off", "write_back.refused", "write_back.undone",
    "write_back.parked", "capture.set_aside", "sweep.odd", "delivery.unkept",
    "delivery.unclaimable", "station.unnoted", "adapter.not_renewed",
    "throttle.slower", "breaker.still_open", "capture.trigger_drift", "capture.trigger_fault",
    "capture.trigger_missed", "daemon.standby", "domain.pause_forgotten",
    "delivery.settling_again", "delivery.left_to_lease", "config.refused", "log.gap",
    "heartbeat.failed", "identity.moved", "identity.witness_failed", "throttle.wait_cut",
    "inbound.differs", "inbound.parked", "inbound.in_doubt", "inbound.levels_refused",
    "inbound.run_held", "inbound.overdue",
)  # fmt: skip
_ERRORS = (
    "domain.stopped", "breaker.opened", "station.failed", "daemon.failed", "log.unwritable",
    "adapter.failed",
    "identity.sending_stopped",
)  # fmt: skip
_LEVELS = dict.fromkeys(_WARNINGS, "WARNING") | dict.fromkeys(_ERRORS, "ERROR")


class LogNarrator:
    """Narrator that writes each happening to the log."""

    def __init__(self, shop: str) -> None:
        self._shop = shop

    def tell(self, event: str, /, **fields: object) -> None:
        """Write one line; the level follows from the event's name."""
        told = discreet(event, fields)
        logger.bind(event=event, shop=self._shop, **told).log(_LEVELS.get(event, "INFO"), event)


class _FromLibraries(logging.Handler):
    """Lines of libraries (urllib3, zeep) take the same way out."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in logger._core.levels else "INFO"  # type: ignore[attr-defined]
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        # The words without what the library puts into their places: an address, a customer's name.
        logger.bind(
            event="library", library=record.name, **({"error": error} if error else {})
        ).log(level, "{}", str(record.msg))


class Log:
    """Where lines go."""

    def __init__(self, outlet: LogFile | StandardError) -> None:
        self._outlet = outlet
        self._folding = Folding(time.monotonic)
        self._one_at_a_time = threading.Lock()

    def take(self, message: Message) -> None:
        """Write a line, or hold it back when it says what was said just now."""
        with self._one_at_a_time:
            self._write(self._folding.take(_line(message.record)))

    def write_due(self) -> None:
        """Write what was held back for long enough; to be called about once a second."""
        with self._one_at_a_time:
            self._write(self._folding.due())

    def reopen(self) -> None:
        """Open the file anew before the next line; may be called in a signal handler."""
        self._outlet.reopen()

    def close(self) -> None:
        """Write what was held back, and close the file; lines that come later open it again."""
        with self._one_at_a_time:
            self._write(self._folding.rest())
            self._outlet.close()

    def _write(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._outlet.write(line)


def configure(*, level: str = "INFO", form: str = "auto", file: Path | None = None) -> Log:
    """Send the log to `file`, or to standard error; `form`: json, text or auto (by terminal)."""
    as_text = form == "text" or (form == "auto" and file is None and sys.stderr.isatty())
    write: Callable[[Line], str] = _as_text if as_text else _as_json
    log = Log(StandardError(write) if file is None else LogFile(file, write))
    logger.remove()
    # Synchronous on purpose: what happened just before a crash is what one looks for after it.
    logger.add(log.take, level=level.upper(), format="{message}")
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(logging.WARNING)
    return log


def _as_json(line: Line) -> str:
    return printable_json(json.dumps(line, default=str, ensure_ascii=False))


def _as_text(line: Line) -> str:
    named = ("ts", "level", "event", "shop")
    time_of_day = datetime.fromisoformat(str(line["ts"])).strftime("%H:%M:%S.%f")[:-3]
    rest = " ".join(f"{key}={value}" for key, value in line.items() if key not in named)
    return printable(f"{time_of_day} {line['level']:<7} {line['event']:<24} {rest}")


def _line(record: Record) -> dict[str, Any]:
    extra = dict(record["extra"])
    line: dict[str, Any] = {
        "ts": timestamp(record["time"]),
        "level": record["level"].name.lower(),
        "event": extra.pop("event", "message"),
    }
    if record["message"] != line["event"]:
        line["message"] = record["message"]
    line.update(extra)
    return line
