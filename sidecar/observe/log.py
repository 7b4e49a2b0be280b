"""The log: one JSON object a line for machines, a readable form for people.

Every line has a stable event name and `corr`, the event's id, which is the same from the trigger's
hint to the ERP's document.  Personal data is absent by construction: a station names its fields
one by one, and none of them is taken from a payload.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

_WARNINGS = (
    "delivery.rejected", "delivery.parked", "delivery.unknown", "delivery.difference",
    "delivery.lease_expired", "delivery.fenced_off", "write_back.refused", "write_back.undone",
    "throttle.slower", "breaker.still_open", "capture.trigger_drift", "capture.trigger_fault",
    "capture.trigger_missed", "daemon.standby", "domain.pause_forgotten",
    "delivery.settling_again", "delivery.left_to_lease", "config.refused", "identity.moved",
)  # fmt: skip
_ERRORS = (
    "domain.stopped",
    "breaker.opened",
    "station.failed",
    "daemon.failed",
    "identity.sending_stopped",
)
_LEVELS = dict.fromkeys(_WARNINGS, "WARNING") | dict.fromkeys(_ERRORS, "ERROR")


class LogNarrator:
    """Narrator that writes each happening to the log."""

    def __init__(self, shop: str) -> None:
        self._shop = shop

    def tell(self, event: str, /, **fields: object) -> None:
        """Write one line; the level follows from the event's name."""
        logger.bind(event=event, shop=self._shop, **fields).log(_LEVELS.get(event, "INFO"), event)


class _FromLibraries(logging.Handler):
    """Lines of libraries (apscheduler, urllib3, zeep) take the same way out."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in logger._core.levels else "INFO"  # type: ignore[attr-defined]
        logger.bind(event="library", library=record.name).opt(exception=record.exc_info).log(
            level, record.getMessage()
        )


def configure(*, level: str = "INFO", form: str = "auto", file: Path | None = None) -> None:
    """Send the log to `file`, or to standard error; `form`: json, text or auto (by terminal)."""
    logger.remove()
    as_text = form == "text" or (form == "auto" and file is None and sys.stderr.isatty())
    write = _write_text if as_text else _write_json
    stream: TextIO = sys.stderr if file is None else file.open("a", encoding="utf-8")
    # Synchronous on purpose: what happened just before a crash is what one looks for after it.
    logger.add(lambda message: write(stream, message), level=level.upper(), format="{message}")
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(logging.WARNING)
    # It warns of each run that is skipped because the one before it still works, which is meant.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _write_json(stream: TextIO, message: Message) -> None:
    stream.write(json.dumps(_line(message.record), default=str, ensure_ascii=False) + "\n")
    stream.flush()


def _write_text(stream: TextIO, message: Message) -> None:
    line = _line(message.record)
    time = datetime.fromisoformat(str(line.pop("ts"))).strftime("%H:%M:%S.%f")[:-3]
    level = str(line.pop("level"))
    event = str(line.pop("event"))
    line.pop("shop", None)
    rest = " ".join(f"{key}={value}" for key, value in line.items())
    stream.write(f"{time} {level:<7} {event:<24} {rest}\n")
    stream.flush()


def _line(record: Record) -> dict[str, Any]:
    extra = dict(record["extra"])
    line: dict[str, Any] = {
        "ts": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name.lower(),
        "event": extra.pop("event", "message"),
    }
    if record["message"] != line["event"]:
        line["message"] = record["message"]
    line.update(extra)
    if record["exception"] is not None and record["exception"].value is not None:
        line["error"] = type(record["exception"].value).__name__
    return line
