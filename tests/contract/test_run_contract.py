"""The conformance kit as a command: what the author of an adapter runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MAPPING = PROJECT / "config" / "mappings" / "legacy-rest.yaml"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidecar.testing.run_contract", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )


def test_an_adapter_is_named_by_its_entry_point_and_passes() -> None:
    done = run("rest.generic", "--calls", str(MAPPING), "-k", "duplicate or thread")

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


def test_a_soap_adapter_is_tested_at_a_port_of_the_simulators_wsdl() -> None:
    mapping = Path(__file__).parent / "mappings" / "soap-single.yaml"
    done = run(
        "soap.generic", "--calls", str(mapping), "--soap", "Document11",
        "-k", "duplicate or thread",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


def test_an_adapter_is_named_by_its_factory_and_found_out() -> None:
    done = run("tests.contract.liar:create", "-k", "refused_connection or lost_request")

    assert done.returncode == 1
    assert "test_a_refused_connection_is_certainly_not_sent" in done.stdout
    assert "2 failed" in done.stdout


def test_an_adapter_that_is_not_there_is_said_with_those_that_are() -> None:
    done = run("rest.genric")

    assert done.returncode == 2
    assert "there is no adapter rest.genric; installed are" in done.stderr
    assert "rest.generic" in done.stderr
