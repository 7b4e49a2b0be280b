"""The demonstration ends with nothing lost and nothing doubled, and is what the README shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_COMMAND = [sys.executable, "-c", "from sidecar.cli import main; main()", "demo"]
README = Path(__file__).parents[2] / "README.md"


@dataclass(frozen=True)
class Kept:
    """A demonstration that was left running: what it printed, and where its program is."""

    printed: str
    environment: dict[str, str]
    program: str


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    done = subprocess.run([*_COMMAND, "--keep"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    try:
        (config,) = re.findall(r"export ERP_SIDECAR_CONFIG=(\S+)", done.stdout)
        (program,) = re.findall(r"^  (\S*erp-sidecar) status$", done.stdout, re.MULTILINE)
        yield Kept(done.stdout, {**os.environ, "ERP_SIDECAR_CONFIG": config}, program)
    finally:
        subprocess.run([done.stdout.split()[-1]], check=True)


def shape(line: str) -> str:
    """A line without what differs from run to run."""
    for varying, name in (
        (r"\S+(?::[0-9a-f]+){4}\b", "OWNER"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
        (r"\b[0-9a-f]{12}\b", "CAUSE"),
        (r"\b\d+ (?:s|min|ms|h)\b", "SPAN"),
        (r"(?<!order )\b\d+(?:\.\d+)?", "N"),
    ):
        line = re.sub(varying, name, line)
    return " ".join(line.split())


def shown(command: str) -> list[str]:
    """The lines that the README has below a command."""
    text = README.read_text("utf-8")
    (block,) = re.findall(rf"^    \$ {command}\n((?:    .*\n)+)", text, re.MULTILINE)
    return [line.strip() for line in block.splitlines()]


def test_the_demo_in_soap_is_clean_and_its_statement_has_exactly_its_keys() -> None:
    done = subprocess.run(
        [*_COMMAND, "--json", "--soap"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "placed": 25,
        "accepted": 23,
        "rejected": 2,
        "acknowledged": 23,
        "lost": 0,
        "doubled": 0,
    }


def test_the_demo_prints_what_the_readme_shows_of_it(kept: Kept) -> None:
    text = README.read_text("utf-8")
    (block,) = re.findall(r"^    starting a private .*\n(?:    .*\n)+", text, re.MULTILINE)
    printed = {shape(line) for line in kept.printed.splitlines()}
    wanted = [line.strip() for line in block.splitlines() if line.strip() != "…"]
    assert len(wanted) > 15
    assert [line for line in wanted if shape(line) not in printed] == []


@pytest.mark.parametrize("command", ["status", "queue list", "order show 000000013"])
def test_a_command_prints_what_the_readme_shows_of_it(kept: Kept, command: str) -> None:
    done = subprocess.run(
        [kept.program, *command.split()],
        capture_output=True, text=True, env=kept.environment, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 2), done.stderr
    printed = {shape(line) for line in done.stdout.splitlines()}
    missing = [line for line in shown(f"erp-sidecar {command}") if shape(line) not in printed]
    assert missing == [], done.stdout
