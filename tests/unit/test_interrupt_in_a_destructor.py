"""Ctrl-C while a destructor runs ends the command all the same, without a traceback."""

from __future__ import annotations

import subprocess
import sys

COMMAND = """
import signal
import threading
from sidecar import cli
from sidecar.host.process import release_signals

class Result:
    def __del__(self):
        raise KeyboardInterrupt

def work():
    release_signals()
    Result()
    threading.Event().wait(60)
    return 0

# What runs tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
cli._run = work
cli.main()
"""


def test_it_is_not_lost_in_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], capture_output=True, text=True, check=False, timeout=50
    )
    assert (done.returncode, done.stderr) == (130, "aborted: nothing more was changed\n")
