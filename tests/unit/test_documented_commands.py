from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sidecar.cli.root import cli

PROJECT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        PROJECT / "README.md",
        *PROJECT.glob("docs/**/*.md"),
        *PROJECT.glob("sql/*.sql"),
        *PROJECT.glob("systemd/*"),
        *PROJECT.glob("config/**/*.yaml"),
    ]
)
#: In code, in a table or at the beginning of a line; options before the noun are skipped.
CALL = re.compile(
    r"(?:^\s*(?:\$ )?|[`']|/bin/)erp-sidecar((?: --config \S+)?(?: [a-z][a-z-]*)*)", re.MULTILINE
)


def commands(file: Path) -> Iterator[list[str]]:
    for call in CALL.findall(file.read_text("utf-8")):
        yield re.sub(r" --config \S+", "", call).split()


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_every_command_that_a_document_names_exists(file: Path) -> None:
    for words in commands(file):
        command: click.Command = cli
        for word in words:
            if not isinstance(command, click.Group):
                break  # what follows are arguments
            assert word in command.commands, f"{file.name}: erp-sidecar {' '.join(words)}"
            command = command.commands[word]


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_every_file_that_a_document_links_to_exists(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text("utf-8")):
        assert (file.parent / target).exists(), f"{file.name}: {target}"
