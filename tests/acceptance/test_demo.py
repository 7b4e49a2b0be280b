"""The demonstration ends with nothing lost and nothing doubled."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_COMMAND = [sys.executable, "-c", "from sidecar.cli import main; main()", "demo", "--json"]


@pytest.mark.parametrize("protocol", [[], ["--soap"]], ids=["rest", "soap"])
def test_the_demo_s_statement_is_clean_and_has_exactly_its_keys(protocol: list[str]) -> None:
    done = subprocess.run([*_COMMAND, *protocol], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "placed": 25,
        "accepted": 23,
        "rejected": 2,
        "acknowledged": 23,
        "lost": 0,
        "doubled": 0,
    }
