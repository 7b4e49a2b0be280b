"""The types of the configuration's values, and the table that all its tables are built on.

A message never repeats what stands where a secret may stand; it is printed and logged.
"""

from __future__ import annotations

import difflib
import re
import string
import zoneinfo
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sidecar.model.reference import Reference
from sidecar.settings.quantities import Kind

# What a comment written into a Magento order may name.
COMMENT_FIELDS = ("reference", "status", "code", "message")


def closest(word: object, known: Collection[str]) -> str:
    """`; did you mean "x"?` for the nearest of `known`, else nothing."""
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def contradiction(message: str, *at: str) -> PydanticCustomError:
    """An error that belongs to the key `at` below the model whose validator raises it."""
    return PydanticCustomError("contradiction", "{text}", {"text": message, "at": at})


def _slug(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", text):
        raise ValueError("may have lower-case letters, digits, - and _ only, at most 63 of them")
    return text


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_$-]{1,64}", text):
        raise ValueError("may have letters, digits, _, $ and - only, at most 64 of them")
    return text


def _table_prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]{0,32}", text):
        raise ValueError("may have letters, digits and _ only, at most 32 of them")
    return text


def _timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = closest(name, zoneinfo.available_timezones())
        raise ValueError(
            f'"{name}" is no time zone{hint or "; write one such as Europe/Berlin"}'
        ) from None
    return name


def _http_url(url: str) -> str:
    # The message never repeats the address: people put passwords into it.
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    if wrong:
        raise ValueError("is no address; write https://host/path")
    if parts.username or parts.password:
        raise ValueError(
            "holds a login; write it under the keys for it instead (erp.auth, shop.api.admin)"
        )
    if parts.query or parts.fragment:
        raise ValueError("may have no ? or # part")
    return url


def _order_status(code: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", code):
        raise ValueError("is no order status code; lower-case letters, digits and _, at most 32")
    return code


def _comment(text: str) -> str:
    try:
        named = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError:
        raise ValueError("has an unpaired brace; write {{ and }} for braces of your own") from None
    for name in named:
        if name not in COMMENT_FIELDS:
            may = ", ".join(f"{{{field}}}" for field in COMMENT_FIELDS)
            raise ValueError(f"names {{{name}}}; it may name {may}{closest(name, COMMENT_FIELDS)}")
    return text


def _path_or_url(given: Any) -> Any:
    """A text that is an address stays one, every other is a path."""
    if isinstance(given, str) and urlsplit(given).scheme in ("http", "https"):
        parts = urlsplit(given)
        if not parts.hostname or parts.username or parts.password:
            raise ValueError("is no address without a login in it; write it under erp.auth instead")
        return given
    return Path(given) if isinstance(given, str) and given else given


def _date(given: Any) -> Any:
    try:
        return given if isinstance(given, date) else date.fromisoformat(str(given))
    except ValueError:
        raise ValueError("is no date; write 2027-03-31") from None


Codes = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Kind("list of codes")]
Slug = Annotated[str, AfterValidator(_slug), Kind("name")]
Identifier = Annotated[str, AfterValidator(_identifier), Kind("name")]
TablePrefix = Annotated[str, AfterValidator(_table_prefix), Kind("text")]
Timezone = Annotated[str, AfterValidator(_timezone), Kind("time zone")]


def _reference(value: str) -> str:
    Reference(value)
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url), Kind("address")]
OrderStatus = Annotated[str, AfterValidator(_order_status), Kind("order status code")]
Label = Annotated[str, Field(min_length=1, max_length=128), Kind("text")]
Comment = Annotated[str, AfterValidator(_comment), Kind("text")]
ReferenceTemplate = Annotated[str, AfterValidator(_reference), Kind("text")]
Text = Annotated[str, Field(min_length=1), Kind("text")]
FilePath = Annotated[Path, Kind("path")]
PathOrUrl = Annotated[Path | str, BeforeValidator(_path_or_url), Kind("path or address")]
Date = Annotated[date, BeforeValidator(_date), Kind("date")]
Switch = Annotated[bool, Field(strict=True), Kind("true or false")]
Count = Annotated[int, Field(strict=True, ge=1), Kind("whole number")]
Port = Annotated[int, Field(strict=True, ge=1, le=65535), Kind("port")]
Factor = Annotated[float, Field(ge=1, le=100), Kind("number")]
Tolerance = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=4), Kind("amount")]
PaymentRule = Literal["always", "authorized", "paid", "never"]
StateRule = Literal["wait", "go"]


class Section(BaseModel):
    """A table of the file. Unknown keys are errors, and no error repeats a value it was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    # A table of which exactly one key (of a given set) is written: merging replaces it whole.
    one_of: ClassVar[bool] = False


class SecretRef(Section):
    """Where a secret is kept. The secret itself never stands in this file."""

    one_of = True

    credential: Text | None = Field(
        default=None, description="Name of a systemd credential (LoadCredential= in the unit).",
        examples=["erp-password"],
    )  # fmt: skip
    file: FilePath | None = Field(
        default=None, description="File that only its owner can read (chmod 600).",
        examples=["/etc/erp-sidecar/erp.password"],
    )  # fmt: skip
    env: Text | None = Field(
        default=None, description="Environment variable. It is easily seen: you are warned of it.",
        examples=["ERP_PASSWORD"],
    )  # fmt: skip
    expires: Date | None = Field(
        default=None,
        description="Beside one of them: the last day on which it is good (2027-03-31). `doctor` "
        "tells it two weeks before.",
        examples=["2027-03-31"],
    )

    @model_validator(mode="before")
    @classmethod
    def _by_reference_only(cls, given: Any) -> Any:
        # Everything that was written here may be the secret itself, keys too, so nothing is quoted.
        if isinstance(given, cls):
            return given
        kinds = tuple(key for key in cls.model_fields if key != "expires")
        if not isinstance(given, Mapping):
            raise ValueError(  # noqa: TRY004 - pydantic collects ValueErrors only
                "a secret is never written in clear; "
                "write {credential: NAME}, {file: PATH} or {env: NAME}"
            )
        ways = {key: name for key, name in given.items() if key != "expires"}
        if len(ways) != 1 or not set(ways) <= set(kinds):
            hint = "".join(closest(key, kinds) for key in ways if key not in kinds)
            raise ValueError(f"needs exactly one of credential, file and env{hint}")
        ((kind, name),) = ways.items()
        allowed = {
            "credential": r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}",
            "env": r"[A-Za-z_][A-Za-z0-9_]*",
        }
        if not isinstance(name, str | Path) or not re.fullmatch(
            allowed.get(kind, "(?s).+"), str(name)
        ):
            raise ValueError(f"{kind} needs {'a path' if kind == 'file' else 'a name'} as text")
        return given
