"""Names of domains and of their events on the command line.

They are asked for when a command is called or its help is shown, never while modules are imported:
a package whose domain cannot be had must not end the commands that need none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from sidecar.app.domains import found, specs
from sidecar.model.domain_spec import DomainSpec


class DomainChoice(click.Choice[str]):
    """A choice that the domains make; `of` gives what of them can be chosen."""

    def __init__(self, of: Callable[[Sequence[DomainSpec]], Iterable[str]]) -> None:
        self._of = of
        self.case_sensitive = True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]  # made when asked for
        """Of the domains that can be had: help is there although another one cannot."""
        return tuple(self._of([domain.spec for domain in found().usable]))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Raises ConfigurationError where a domain cannot be had: it may be the one meant."""
        specs()
        return super().convert(value, param, ctx)


NAMES = DomainChoice(lambda domains: (domain.name for domain in domains))
TELLING = DomainChoice(
    lambda domains: (domain.name for domain in domains if domain.tells is not None)
)
TYPES = DomainChoice(lambda domains: (type_ for domain in domains for type_ in domain.types))
TOLD = DomainChoice(lambda domains: (domain.name for domain in domains if domain.tells))
