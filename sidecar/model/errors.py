"""The one tree of errors.

Every error that reaches a user carries the exit code of its class (docs/exit-codes.md), one
sentence that names the file, line, order, object or statement, and the remedy.  A class is an
exit code; the two kinds of *unavailable* beside it say how far a question came, which the breaker
and the back-off of questions need to know.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from sidecar.model.exchange import Exchange


class SidecarError(Exception):
    """Something failed.

    `message` says what is wrong and names the object; `remedy` says what to do about it.
    Neither may contain a secret or personal data: both are logged and printed as they are.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  remedy: {self.remedy}" if self.remedy else self.message


class UsageError(SidecarError):
    """The command was called wrongly."""

    exit_code = 64


class BadData(SidecarError):
    """Data that breaks an invariant (an order that does not add up, an unknown product type)."""

    exit_code = 65


class Unavailable(SidecarError):
    """The database, the ERP or the shop's API cannot be reached.

    `exchange`: what was seen of the call to the ERP.
    """

    exit_code = 69

    def __init__(self, message: str, remedy: str = "", *, exchange: Exchange | None = None) -> None:
        super().__init__(message, remedy)
        self.exchange = exchange


class NotReached(Unavailable):
    """Nothing reached the other side, or it turned us away: nothing was asked, nothing sent.

    `lasting`: trying again would fail alike until a person acts (a redirection, a certificate, a
    login that is refused).
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        exchange: Exchange | None = None,
        lasting: bool = False,
    ) -> None:
        super().__init__(message, remedy, exchange=exchange)
        self.lasting = lasting


class NotUnderstood(Unavailable):
    """It was reached and answered, and the answer cannot be read or is not the one asked for.

    Never "no", and never a sign that the ERP is away.
    """


class TryAgain(SidecarError):
    """A passing state: a lock is held, another daemon is at work."""

    exit_code = 75


class PermissionDenied(SidecarError):
    """A right is missing: a password is refused, a grant or a file mode is wrong."""

    exit_code = 77


class ConfigurationError(SidecarError):
    """The configuration, a mapping or the installation does not fit what was found."""

    exit_code = 78


def is_of_one(error: Exception) -> bool:
    """Whether an error lies in what was handled, and not in the world around it.

    The world is a database that is away, a lock, a right, the configuration: it would fail with
    everything else too.  Bad data, and whatever no code of ours foresaw, is put down to the one
    entity that was handled: the others go on without it (`sidecar.model.bulkhead`).
    """
    return isinstance(error, BadData) or not isinstance(error, SidecarError)


def described(error: BaseException) -> str:
    """What went wrong, for the ledger and for a person.

    Of an error that is not ours only its class and its place: its own words may quote a customer.
    """
    if isinstance(error, SidecarError):
        return error.message
    return f"{type(error).__name__} at {frames(error)[-1]}"


def frames(error: BaseException) -> list[str]:
    """Where it was raised, the outermost call first; without any value."""
    return [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ] or ["an unknown place"]
