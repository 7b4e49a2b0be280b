"""What the log may say of an ERP's words: nothing that the ERP chose.

An ERP that refuses an order may repeat the customer's name in its own words, and an address that it
is asked at may have an e-mail in it.  Those words stay in the ledger (`erp-sidecar order show`).
The log has what leads to them (number, `corr`, `cause`) and what is of a closed vocabulary: the
HTTP status, a code that looks like one, the way in which a call failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sidecar.model.settlement import error_print

#: Lines whose `message` is, or may end with, words of the ERP.
_OF_THE_ERP = re.compile(r"delivery\.(?!settling_again|left_to_lease)|breaker\.|domain\.stopped")
#: Why a domain stopped that no ERP had a word in: a class of error and its place.
_DEFECT = "defect"
#: What a code looks like; a text with spaces or an e-mail's @ is none.
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_WORD = re.compile(r"[A-Za-z0-9]+")
#: Letters and digits by turns, as in a key, a token or a licence plate, and not as in `ERR42B`.
_LIKE_A_KEY = re.compile(r"(?:[A-Za-z]+[0-9]+){2}|(?:[0-9]+[A-Za-z]+){2}|[0-9]{10}")
_HEXADECIMAL = re.compile(r"0x[0-9A-Fa-f]{1,8}")
#: Our own phrases of what went wrong on the wire, and Python's names for it.
_FAILURE = re.compile(
    r"not sent|no access token|no complete answer within [\d.]+ s|the connection broke"
    r"|the connection was not made in time|the ERP refuses our login|the login was refused"
    r"|the login would go over plain http|redirects to|has no call for order\.[a-z]+"
    r"|\b(?:BrokenPipeError|ConnectionAbortedError|ConnectionRefusedError|ConnectionResetError"
    r"|IncompleteRead|InvalidHeader|OSError"
    r"|RemoteDisconnected|SSLCertVerificationError|SSLEOFError|SSLError|TimeoutError|gaierror)\b"
)


def discreet(event: str, fields: Mapping[str, object]) -> dict[str, object]:
    """The fields of a line as the log may have them.

    `cause` is the print that `erp-sidecar rejections list` groups by.
    """
    if not _OF_THE_ERP.match(event) or fields.get("reason") == _DEFECT:
        return dict(fields)
    kept = {name: value for name, value in fields.items() if name not in ("code", "message")}
    code, message = fields.get("code"), fields.get("message")
    if isinstance(code, str) and _looks_like_a_code(code):
        kept["code"] = code
    if isinstance(message, str) and message:
        if event.startswith(("delivery.", "domain.")):
            kept["cause"] = error_print(code if isinstance(code, str) else None, message)
        if failure := _failure(message):
            kept["failure"] = failure
    return kept


def _looks_like_a_code(text: str) -> bool:
    """The adapter strikes out our own secrets; against others' there is only this guard."""
    return _CODE.fullmatch(text) is not None and not any(
        _LIKE_A_KEY.search(word) and not _HEXADECIMAL.fullmatch(word)
        for word in _WORD.findall(text)
    )


def _failure(message: str) -> str:
    return ", ".join(dict.fromkeys(_FAILURE.findall(message)))
