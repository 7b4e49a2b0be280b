"""What an expression may name, and what it comes to when it is compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.language.shape import ANYTHING, Shape

Values = Mapping[str, Any]
Evaluate = Callable[[Values], Any]
Tables = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name, with shapes, and the file's lookup tables.

    `whole`: texts are joined whole or not at all, because what is joined addresses something: of
    `'/customers/M' ~ order.customer_id` none would leave one customer for all guests.
    """

    names: Mapping[str, Shape]
    tables: Tables = field(default_factory=dict)
    whole: bool = False

    def with_names(self, **names: Shape) -> Scope:
        """The scope with further names."""
        return replace(self, names={**self.names, **names})

    def without(self, name: str) -> Scope:
        """The scope in which a name is not known."""
        return replace(self, names={key: at for key, at in self.names.items() if key != name})

    def of_an_address(self) -> Scope:
        """The scope for what addresses something."""
        return replace(self, whole=True)


@dataclass(frozen=True, slots=True)
class Typed:
    """A compiled part: what it yields, of which shape, and the value where it is a constant."""

    evaluate: Evaluate
    shape: Shape = ANYTHING
    constant: object = None
