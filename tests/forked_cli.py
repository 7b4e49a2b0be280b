"""Commands of the program in children of one process that has imported everything: a second faster.

What a user starts is a process of its own (`Rig.command`); a test whose matter is something else
has its steps done here.  A case: `config` and `call`, and how the child finds the world: `streams`,
`environment` (all of it), `folder` ("gone": one that is deleted meanwhile), `interrupt_after`
(seconds; 0: before it begins).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import sidecar.cli.root
from sidecar.cli import main

_PROJECT = Path(__file__).parents[1]
Outcome = tuple[int, str, str]


class ForkedCli:
    """The process that forks; it ends with the one that started it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked_cli"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_PROJECT,
            env=os.environ | {"PYTHONPATH": str(_PROJECT)},
        )

    def outcome(self, case: dict[str, Any]) -> Outcome:
        """Code, output and errors of one case, run in this process's folder and environment."""
        known = {"environment": dict(os.environ), "folder": str(Path.cwd())}
        commands, answers = self._process.stdin, self._process.stdout
        assert commands is not None
        assert answers is not None
        with self._lock:
            commands.write(json.dumps(known | case) + "\n")
            commands.flush()
            code, output, errors = json.loads(answers.readline())
        return code, output, errors


@cache
def forked_cli() -> ForkedCli:
    """The one of this test process."""
    return ForkedCli()


def _outcome(case: dict[str, Any]) -> Outcome:
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
    os.environ.clear()
    os.environ.update(case["environment"])
    # As an interpreter does that begins: for the packages of a test's own.
    sys.path[:0] = [
        place
        for place in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if place and place not in sys.path
    ]
    time.tzset()
    gone = case["folder"] == "gone"
    folder = Path(tempfile.mkdtemp() if gone else case["folder"])
    os.chdir(folder)
    if gone:
        folder.rmdir()
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


def _serve() -> None:
    # Python itself ignores the signal, and its children would take that over.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for line in sys.stdin:
        print(json.dumps(_outcome(json.loads(line))), flush=True)


if __name__ == "__main__":
    assert sidecar.cli.root.cli is not None
    _serve()
