"""Runs commands of the program in children of one process that has imported everything.

Reads a list of cases from standard input and writes `[code, output, errors]` for each.  A case:
`config` and `call`, and how the child finds the world: `streams`, `environment`, `unset`,
`folder` ("gone": one that is deleted meanwhile), `interrupt_after` (seconds; 0: before it begins).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import sidecar.cli.root
from sidecar.cli import main


def outcome(case: dict[str, Any]) -> tuple[int, str, str]:
    """Run one case in a child."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _child(case, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return os.waitstatus_to_exitcode(status), texts[0], texts[1]


def _child(case: dict[str, Any], out: int, err: int) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    _streams(case.get("streams", ""))
    for name in case.get("unset", ()):
        os.environ.pop(name, None)
    os.environ.update(case.get("environment", {}))
    if case.get("folder") == "gone":
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        Path(folder).rmdir()
    sys.argv = ["erp-sidecar", "--config", case["config"], *case["call"]]
    code = 99
    try:
        _interrupt(case.get("interrupt_after"))
        main()
    except SystemExit as end:
        code = int(end.code or 0)
        with suppress(ValueError):
            sys.stdout.flush()
    finally:
        if code == 99:
            sys.excepthook(*sys.exc_info())
        os._exit(code)


def _streams(asked: str) -> None:
    if asked == "out full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    elif asked == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
    for number in {"out closed": (1,), "err closed": (2,), "all closed": (0, 1, 2)}.get(asked, ()):
        os.close(number)


def _interrupt(after: float | None) -> None:
    if after is None:
        return
    if after == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.kill(os.getpid(), signal.SIGINT)
    else:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        signal.setitimer(signal.ITIMER_REAL, after)


if __name__ == "__main__":
    assert sidecar.cli.root.cli is not None
    # Python itself ignores the signal, and its children would take that over.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(json.dumps([outcome(case) for case in json.load(sys.stdin)]))
