"""What a process loads: the daemon runs for months, and its memory is the shop's."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded_by(module: str) -> set[str]:
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["sidecar.cli", "adapters.rest.generic", "adapters.soap.generic"]
)
def test_the_daemon_loads_no_test_bench(module: str) -> None:
    assert [name for name in loaded_by(module) if name.startswith("sidecar.testing")] == []


def test_rest_loads_no_soap() -> None:
    assert loaded_by("adapters.rest.generic") & {"zeep", "lxml", "spnego", "xmlsec"} == set()
