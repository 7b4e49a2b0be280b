from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sidecar.cli.manual import commands_of
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
            there = commands_of(command)
            assert word in there, f"{file.name}: erp-sidecar {' '.join(words)}"
            command = there[word]


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_every_file_that_a_document_links_to_exists(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text("utf-8")):
        assert (file.parent / target).exists(), f"{file.name}: {target}"


#: A whole call: up to the end of the code or of the line.
LINE = re.compile(
    r"`erp-sidecar( [^`]+)`|(?:^\s*(?:\$ )?|^\s*/\S*/bin/|[;&|] )erp-sidecar( [^`\n]+)",
    re.MULTILINE,
)
#: Where a shell's own words begin.
SHELL = {"|", ">", ">>", "2>", "&&", "||", ";", "&", "<"}


def lines(file: Path) -> Iterator[list[str]]:
    """The words of each call after the program's name."""
    for inline, alone in LINE.findall(file.read_text("utf-8")):
        line = " " + " ".join((inline or alone).split())
        if re.match(r" (?:[a-z-]+ )*[a-z]+(?:,|\.| [a-z]+ [a-z]+ [a-z]+ )", line):
            continue  # a sentence
        try:
            words = shlex.split(line.replace("\\|", "|").replace("…", "x"), comments=True)
        except ValueError:
            continue  # an apostrophe: prose, not a call
        ends = [at for at, word in enumerate(words) if word in SHELL or word.startswith("(")]
        yield words[: min(ends, default=len(words))]


def parsed(command: click.Command, words: list[str]) -> None:
    """Raise click.UsageError for an option, or a value of one, that the program does not have."""
    context = click.Context(command)
    options, rest, _ = command.make_parser(context).parse_args(list(words))
    for one in command.params:
        values = options.get(one.name or "")
        if isinstance(one, click.Option) and isinstance(one.type, click.Choice) and values:
            for value in values if isinstance(values, list) else [values]:
                one.type.convert(value, one, context)
    if isinstance(command, click.Group) and rest:
        parsed(commands_of(command)[rest[0]], rest[1:])


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_every_option_that_a_document_shows_exists(file: Path) -> None:
    for words in lines(file):
        try:
            parsed(cli, words)
        except click.UsageError as error:
            pytest.fail(f"{file.name}: erp-sidecar {' '.join(words)}: {error.format_message()}")
        except KeyError:
            pytest.fail(f"{file.name}: erp-sidecar {' '.join(words)}: no such command")


def test_the_calls_of_the_documents_are_found() -> None:
    assert sum(1 for file in DOCUMENTS for _ in lines(file)) > 150
