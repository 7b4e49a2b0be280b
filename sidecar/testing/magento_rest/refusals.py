"""What Magento answers instead of a result: a status and a message with its parameters."""

from __future__ import annotations

import codecs
import re
from typing import Any

from sidecar.testing.magento_rest.values import Json

UNTRANSLATED = "en_US"
_WORD = re.compile(r"%\w+|[A-Za-z]+")

NO_ENTITY = "The entity that was requested doesn't exist. Verify the entity and try again."
NO_PRODUCT = "The product that was requested doesn't exist. Verify the product and try again."
NO_ROUTE = "Request does not match any route."


class Refused(Exception):
    """An answer that is no success.

    `parameters` is a list for `%1`, `%2` or a mapping for `%name`; they are not filled in, as
    Magento leaves that to the client.
    """

    def __init__(
        self,
        status: int,
        message: str,
        parameters: list[Any] | dict[str, Any] | None = None,
        errors: list[Json] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.parameters = parameters
        self.errors = errors

    def body(self, locale: str) -> Json:
        """As it stands in the answer."""
        body: Json = {"message": translated(self.message, locale)}
        if self.errors:
            body["errors"] = [
                error | {"message": translated(error["message"], locale)} for error in self.errors
            ]
        if self.parameters:
            body["parameters"] = self.parameters
        return body


class Broken(Exception):
    """Magento itself fails: 500, with a page or a line that is no JSON where `text` is given."""

    def __init__(self, text: str = "", content_type: str = "text/html; charset=UTF-8") -> None:
        super().__init__(text)
        self.text = text
        self.content_type = content_type


def bad(message: str, *parameters: Any, **named: Any) -> Refused:
    """400, with what belongs into the message's places."""
    return Refused(400, message, named or list(parameters) or None)


def no_entity() -> Refused:
    """404: there is nothing of that id."""
    return Refused(404, NO_ENTITY)


def no_such(field: str, value: object) -> Refused:
    """404, naming the field that nothing was found by."""
    return Refused(
        404,
        "No such entity with %fieldName = %fieldValue",
        {"fieldName": field, "fieldValue": value},
    )


def translated(message: str, locale: str) -> str:
    """The message in a language of its own, if the shop has another one than English.

    No real language: every word is another, places for parameters and figures stay.  Whoever
    decides on texts is found out by it.
    """
    if locale == UNTRANSLATED:
        return message
    return _WORD.sub(_other_word, message)


def _other_word(found: re.Match[str]) -> str:
    word = found[0]
    return word if word.startswith("%") else codecs.encode(word, "rot13")
