"""Texts that stand for a secret where a call is shown instead of made.

No secret is known there at all: `secret.NAME` is `***`, and what a filter makes of it is `***`
again, so that nothing of a secret, encoded or shortened, can be seen.
"""

from __future__ import annotations

_STRUCK_OUT = "***"


class Hidden(str):
    """A text that holds the place of a secret, or of what was made of one."""

    __slots__ = ()

    def __new__(cls, text: str = _STRUCK_OUT) -> Hidden:
        return super().__new__(cls, text)


def is_hidden(value: object) -> bool:
    """Whether the value stands for a secret."""
    return isinstance(value, Hidden)


class HiddenSecrets:
    """`secret` in an expression, for a call that is shown: each name is there, none is known."""

    def __getattr__(self, name: str) -> Hidden:
        return Hidden()
