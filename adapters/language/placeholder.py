"""The place of what only a call would tell, where calls are shown and not made."""

from __future__ import annotations


class Placeholder(str):
    """`‹first.customer›`; whatever part of it is named is not known either."""

    __slots__ = ()

    @classmethod
    def of(cls, told: str) -> Placeholder:
        """In the place of what an expression calls so."""
        return cls(f"‹{told}›")

    def part(self, name: str) -> Placeholder:
        """In the place of a member."""
        return Placeholder.of(f"{self[1:-1]}.{name}")
