"""One call to an ERP in its protocol's own form, as the generic adapter uses it."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from adapters.calls.answer import Evidence
from adapters.http.transport import Reply, Request
from adapters.language.filters import ExpressionError
from adapters.language.scope import Values
from sidecar.model.errors import SidecarError


class WireCall(Protocol):
    """One call as the file declares it (`adapters.rest.call`, `adapters.soap.call`)."""

    def request(self, values: Values) -> Request:
        """Fill it in.  Raises ExpressionError: nothing was sent then."""

    def response(self, reply: Reply) -> tuple[Any, Evidence]:
        """The answer as expressions read it (`response`), and what the transport knows of it."""

    def disarmed(self, request: Request) -> Request:
        """For a person to see: without a proof of who we are that who sees it could still use."""

    def shown(self, body: bytes) -> str:
        """A body with line breaks, for a person."""


Call = TypeVar("Call", bound=WireCall)


def read_answer(call: WireCall, reply: Reply) -> tuple[Any, Evidence]:
    """The answer as expressions read it, whatever its reader stumbles over.

    Raises ExpressionError, which has the class of what was raised and none of its words.
    """
    try:
        return call.response(reply)
    except SidecarError:
        raise
    except Exception as error:
        raise ExpressionError(
            f"{reply.request}: HTTP {reply.status}: the answer cannot be read "
            f"({type(error).__name__})"
        ) from error
