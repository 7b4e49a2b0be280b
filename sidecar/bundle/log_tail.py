"""The last lines of the log, from its file or from systemd's journal."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sidecar.documents import open_regular
from sidecar.model.errors import SidecarError, Unavailable

LINES = 5_000
#: Read from the file's end; a line has some 300 bytes.
_BYTES = 4_000_000
_JOURNAL = ("journalctl", "--unit=erp-sidecar*", "--output=cat", "--no-pager", f"--lines={LINES}")
_PATIENCE = 20


def log_tail(file: Path | None) -> list[str]:
    """The newest lines, oldest first; raises SidecarError where there are none to be had."""
    return (_of_file(file) if file is not None else _of_journal())[-LINES:]


def _of_file(file: Path) -> list[str]:
    try:
        with open_regular(file) as log:
            log.seek(max(0, log.seek(0, 2) - _BYTES))
            text = log.read()
    except OSError as error:
        raise SidecarError(f"{file}: cannot be read: {error.strerror}") from None
    return text.decode("utf-8", "replace").splitlines()


def _of_journal() -> list[str]:
    try:
        done = subprocess.run(  # noqa: S603 - constant words
            _JOURNAL, capture_output=True, timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(
            f"the journal cannot be read ({type(error).__name__})",
            f"look yourself: {' '.join(_JOURNAL)}",
        ) from None
    return done.stdout.decode("utf-8", "replace").splitlines()
