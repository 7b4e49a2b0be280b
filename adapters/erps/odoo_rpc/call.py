"""A call to /json/2/MODEL/METHOD as JSON-RPC carries it: POST /jsonrpc, `execute_kw`.

The answer is handed on as JSON-2 would give it: the bare result with status 200, or the status that
stands for Odoo's exception with `name` and `message`.  JSON-RPC itself answers each with HTTP 200.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.calls.answer import Evidence
from adapters.calls.section import Section
from adapters.http.body import Malformed, decode_json, encode_json
from adapters.http.transport import Reply, Request
from adapters.language.filters import ExpressionError
from adapters.language.scope import Scope, Values
from adapters.rest.call import HttpCall, Response, read_http_call

#: Under `erp.secrets`.
KEY = "odoo_key"

_JSON_2 = re.compile(r"/json/2/([\w.]+)/(\w+)")
_OK = 200
#: As Odoo 19 answers them; what is not here is an error inside Odoo.
_STATUS = {
    "odoo.exceptions.AccessDenied": 401,
    "odoo.exceptions.AccessError": 403,
    "odoo.exceptions.MissingError": 404,
    "odoo.exceptions.UserError": 422,
    "odoo.exceptions.ValidationError": 422,
    "odoo.exceptions.RedirectWarning": 422,
    "odoo.exceptions.LockError": 409,
    "psycopg2.errors.SerializationFailure": 409,
    "psycopg2.errors.LockNotAvailable": 409,
    "psycopg2.extensions.TransactionRollbackError": 409,
    "werkzeug.exceptions.NotFound": 404,
}
_INSIDE = 500


@dataclass(frozen=True, slots=True)
class RpcCall:
    """One call of the file; those to other addresses (the login's) travel as they are."""

    call: HttpCall
    database: str

    def request(self, values: Values) -> Request:
        """Fill it in.  Raises ExpressionError: nothing was sent then."""
        request = self.call.request(values)
        addressed = _JSON_2.fullmatch(request.path)
        if addressed is None:
            return request
        model, method = addressed.groups()
        arguments = decode_json(request.body or b"{}")
        if not isinstance(arguments, dict):
            raise ExpressionError(
                f"{request.path}: the arguments are no mapping of names to values"
            )
        ids = arguments.pop("ids", None)
        envelope = {
            "jsonrpc": "2.0",
            "method": "call",
            "params": {
                "service": "object",
                "method": "execute_kw",
                "args": [
                    self.database,
                    values["token"],
                    getattr(values["secret"], KEY),
                    model,
                    method,
                    [] if ids is None else [ids],
                    arguments,
                ],
            },
        }
        body, name = encode_json(envelope), f"{model}.{method}"
        return replace(request, path="/jsonrpc", body=body, name=name)

    def response(self, reply: Reply) -> tuple[Response, Evidence]:
        """See `adapters.calls.wire_call.WireCall`."""
        if reply.status != _OK or not reply.request.path.endswith("/jsonrpc"):
            return self.call.response(reply)
        return self.call.response(_bare(reply))

    def disarmed(self, request: Request) -> Request:
        """See `adapters.calls.wire_call.WireCall`; the key is struck out by the transport."""
        return request

    def shown(self, body: bytes) -> str:
        """See `adapters.calls.wire_call.WireCall`."""
        return self.call.shown(body)


def read_call(section: Section, scope: Scope, *, database: str) -> RpcCall:
    """Read a `call` section; problems are noted in its source."""
    return RpcCall(read_http_call(section, scope), database)


def _bare(reply: Reply) -> Reply:
    """The answer without its envelope; one that has none stays as it is, and cannot be read."""
    try:
        envelope = decode_json(reply.content)
    except Malformed:
        return reply
    if not isinstance(envelope, Mapping) or "jsonrpc" not in envelope:
        return reply
    if "error" not in envelope:
        # A method that gives None is answered without a result.
        return replace(reply, content=encode_json(envelope.get("result")))
    error = envelope["error"]
    told: Any = error.get("data") if isinstance(error, Mapping) else None
    if not isinstance(told, Mapping):
        told = {}
    name = told.get("name")
    body = {"name": name, "message": told.get("message"), "arguments": told.get("arguments")}
    return replace(reply, status=_STATUS.get(str(name), _INSIDE), content=encode_json(body))
