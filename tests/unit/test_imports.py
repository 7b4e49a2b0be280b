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


def test_only_a_daemon_that_publishes_metrics_loads_what_writes_them() -> None:
    assert "prometheus_client" not in loaded_by("sidecar.cli.root")
    code = (
        "import sys; sys.argv = ['erp-sidecar', '--help']; from sidecar.cli import main\n"
        "try: main()\n"
        "finally: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "sidecar.cli.root" in loaded
    assert "prometheus_client" not in loaded


def test_rest_loads_no_soap() -> None:
    # lxml it loads: an answer over plain HTTP may be XML.
    assert loaded_by("adapters.rest.generic") & {"zeep", "spnego", "xmlsec"} == set()
