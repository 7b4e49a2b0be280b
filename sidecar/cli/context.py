"""What commands share: the configuration, output in two forms, who asks and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from sidecar.app.sidecar import Sidecar
from sidecar.cli.outlet import echo
from sidecar.host.process import operator
from sidecar.model.printable import printable
from sidecar.operate.queue import By, Operations
from sidecar.settings.load import Loaded, find_path, load

_F = TypeVar("_F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON document, stable keys.")
dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done, change nothing.")
reason = click.option("--reason", metavar="TEXT", help="Why; kept in the audit.")


class Context:
    """Handed to every command by click."""

    def __init__(self, config_file: str | None) -> None:
        self._config_file = config_file

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration, read when the first command needs it."""
        return load(self.config_path)

    @property
    def config_path(self) -> Path:
        """The main file."""
        return find_path(self._config_file, os.environ)

    @contextmanager
    def sidecar(self) -> Iterator[Sidecar]:
        """Everything the configuration stands for, closed at the end."""
        sidecar = Sidecar(self.loaded.settings, origin=self.loaded.origin)
        try:
            yield sidecar
        finally:
            sidecar.close()

    @contextmanager
    def operations(self) -> Iterator[Operations]:
        """What operators do to events, on a ledger of this version."""
        with self.sidecar() as sidecar:
            sidecar.ledger.require_current()
            yield sidecar.operations


def by(reason: str | None) -> By:
    """Who is at the keyboard, and why he does it."""
    return By(operator(), reason)


def amounts(money: Mapping[str, Decimal]) -> str:
    """Amounts by currency, for a person."""
    return ", ".join(f"{amount:.2f} {currency}" for currency, amount in money.items())


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    """Columns as wide as their widest cell."""
    cells = [[text(cell) for cell in row] for row in rows]
    widths = [
        max(len(row[column]) for row in [list(header), *cells]) for column in range(len(header))
    ]
    for row in [list(header), *cells]:
        echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def text(value: object) -> str:
    """A cell for a person: money with two places, times to the second in UTC."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return printable(str(value))
