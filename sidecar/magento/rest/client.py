"""Calls to Magento's REST API: one exchange each, judged, decoded.

`get` and `ask` change nothing.  `post` and `put` write, are sent once, and raise `MagentoUnknown`
where it cannot be told whether Magento did it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec.json import Decoder

from sidecar.magento.rest.answer import Complaint, complaint_of, failure_of, moment_of
from sidecar.magento.rest.errors import LimitExceeded, MagentoUnknown, NotAuthorised
from sidecar.magento.rest.login import AdminLogin, BearerLogin, IntegrationLogin, Login
from sidecar.magento.rest.oauth import Keys
from sidecar.magento.rest.wire import Answer, Request, Wire
from sidecar.model.errors import (
    ConfigurationError,
    NotReached,
    NotUnderstood,
    Unavailable,
)
from sidecar.model.secret import Secret, is_printable

T = TypeVar("T")
#: Names and values of a query, in their order.
Query = Sequence[tuple[str, str]]

_HEADERS = {
    "User-Agent": "magento-erp-sidecar",
    # `text/html` alone makes Magento answer 500, `application/xml` XML.
    "Accept": "application/json",
    "Content-Type": "application/json",
}
#: A route that no module can have: what Magento says of it, it says of every unknown route.
_NO_ROUTE = "erp-sidecar/no-such-route"
#: Shorter "secrets" would strike ordinary words out of messages.
_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Credentials:
    """One of three ways to log in: an integration's keys, a user with his password, a token."""

    keys: Keys | None = None
    user: str = ""
    password: Secret | None = None
    token: Secret | None = None


@dataclass(slots=True)
class Limits:
    """Records in one call; Magento may allow fewer, and says so in a refusal.

    100 rows of stock take Magento a second.
    """

    items: int = 100
    page: int = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition of a search; all of them have to hold."""

    field: str
    value: str
    condition: str = "eq"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the API is and how long it may take."""

    url: str
    store: str = "all"
    connect: float = 5.0
    read: float = 60.0
    ca_file: Path | None = field(default=None)


class _Page(msgspec.Struct):
    """A page of a search; `items` is null past the end when fields are chosen."""

    total_count: int
    items: list[msgspec.Raw] | None = None


# Decoders are made when a module is loaded: msgspec ends the process where two threads make one at
# once.  Not strict: an id comes as text where it is the whole answer, as a number elsewhere.
ID = Decoder(int, strict=False)
DONE = Decoder(bool, strict=False)
NAMES = Decoder(list[str])
WHATEVER = Decoder(msgspec.Raw)
_TOKEN = Decoder(str)
_PAGE = Decoder(_Page)


class MagentoRest:
    """Magento's REST API with one login, from any number of threads."""

    def __init__(self, address: Address, credentials: Credentials) -> None:
        """Raises ConfigurationError for certificates or a token that cannot be used."""
        parts = urlsplit(address.url)
        self._root = parts.path.rstrip("/") + "/rest"
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._store = address.store
        self._wire = Wire(
            address.url, connect=address.connect, read=address.read, ca_file=address.ca_file
        )
        self._login = self._login_of(credentials)
        self._no_route = ""
        self.limits = Limits()

    def get(self, path: str, of: Decoder[T], query: Query = ()) -> T:
        """Read.  Raises NotUnderstood for an answer that `of` cannot read."""
        return self._read(self._request("GET", path, query), of)

    def ask(self, path: str, body: Mapping[str, Any] | None, of: Decoder[T]) -> T:
        """A POST that only reads (the `…-information` routes)."""
        return self._read(self._request("POST", path, body=body), of)

    def post(self, path: str, body: Mapping[str, Any] | None, of: Decoder[T]) -> T:
        """Write, once."""
        return self._write(self._request("POST", path, body=body), of)

    def put(self, path: str, body: Mapping[str, Any], of: Decoder[T]) -> T:
        """Write, once."""
        return self._write(self._request("PUT", path, body=body), of)

    def search(
        self, path: str, of: Decoder[T], filters: Sequence[Filter], fields: str = ""
    ) -> list[T]:
        """All that a search finds, page by page; `fields`: those of an item, all when empty."""
        while True:
            size = self.limits.page
            try:
                return self._pages(path, of, _criteria(filters, fields, size))
            except LimitExceeded as limit:
                if limit.most >= size:
                    raise
                self.limits.page = limit.most

    def whatever(self, path: str) -> Answer:
        """The answer to a question with any status; raises only where none came."""
        return self._authorised(self._request("GET", path))

    def _pages(self, path: str, of: Decoder[T], criteria: Query) -> list[T]:
        found: list[T] = []
        page = 1
        while True:
            query = (*criteria, ("searchCriteria[currentPage]", str(page)))
            answered = self.get(path, _PAGE, query)
            items = answered.items or []
            found += [_decoded(item, of, f"GET {path}") for item in items]
            if len(found) >= answered.total_count:
                return found
            if not items:
                raise NotUnderstood(
                    f"GET {path}: {answered.total_count} found and {len(found)} of them told"
                )
            page += 1

    def _read(self, request: Request, of: Decoder[T]) -> T:
        return _decoded(self._answer(request).content, of, request.name)

    def _write(self, request: Request, of: Decoder[T]) -> T:
        answer = self._answer(request)
        try:
            return _decoded(answer.content, of, request.name)
        except NotUnderstood as error:
            # It was done, most likely; what was made is not known.
            raise MagentoUnknown(error.message, status=answer.status) from error

    def _answer(self, request: Request) -> Answer:
        """The answer with status 200; raises what any other means."""
        answer = self._authorised(request)
        if answer.status == HTTPStatus.BAD_REQUEST and self._login.is_ahead_of(
            moment_of(answer.headers)
        ):
            # An unfit signature may be a bad input to Magento: no document is at fault for that.
            raise NotAuthorised(
                f"{request.name}: signed with a time that is minutes ahead of the shop's clock",
                "timedatectl set-ntp true, on this machine and the shop's",
            )
        if answer.status != HTTPStatus.OK:
            raise failure_of(answer, request.name, self.strike, self._is_no_route)
        return answer

    def _authorised(self, request: Request) -> Answer:
        answer, header = self._sent(request)
        # 401 says that nothing was done, so this is no second try of anything.
        if answer.status == HTTPStatus.UNAUTHORIZED and self._login.refused(header):
            answer, _ = self._sent(request)
        return answer

    def _sent(self, request: Request) -> tuple[Answer, Mapping[str, str]]:
        header = self._login.header(request.method, self._origin + request.target)
        signed = Request(
            request.method, request.target, request.name, {**_HEADERS, **header}, request.body
        )
        return self._wire.exchange(signed), header

    def _request(
        self, method: str, path: str, query: Query = (), body: Mapping[str, Any] | None = None
    ) -> Request:
        target = f"{self._root}/{self._store}/V1/{path}"
        if query:
            # %20 and not +, brackets encoded too: it is signed as it is sent.
            pairs = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
            target = f"{target}?{'&'.join(pairs)}"
        content = None if body is None else _ENCODER.encode(body)
        return Request(method, target, f"{method} {path}", body=content)

    def _is_no_route(self, complaint: Complaint) -> bool:
        """Whether a 404 means the route: Magento says the same, in its language, of ours."""
        if complaint.parameters:
            return False
        if not self._no_route:
            try:
                answer = self._authorised(self._request("GET", _NO_ROUTE))
            except Unavailable as error:
                raise NotReached(
                    f"HTTP 404, and whether the route or the entity is missing: {error.message}"
                ) from error
            told = complaint_of(answer.content)
            self._no_route = told.message if told is not None else ""
        return complaint.message == self._no_route

    def _login_of(self, given: Credentials) -> Login:
        if given.keys is not None:
            return IntegrationLogin(given.keys)
        if given.token is not None:
            return BearerLogin(given.token)
        if given.password is not None:
            return AdminLogin(given.user, given.password, self._fetch_token)
        raise ConfigurationError("shop.api has no login")

    def _fetch_token(self, user: str, password: Secret) -> Secret:
        content = _ENCODER.encode({"username": user, "password": password.reveal()})
        target = f"{self._root}/V1/integration/admin/token"
        request = Request("POST", target, "POST integration/admin/token", _HEADERS, content)
        try:
            answer = self._wire.exchange(request)
            if answer.status != HTTPStatus.OK:
                raise failure_of(answer, request.name, self.strike, lambda _: True)
            token = _decoded(answer.content, _TOKEN, request.name)
            if not (token.isascii() and is_printable(token)):
                raise NotUnderstood(f"{request.name}: a token that no header can carry")
        except Unavailable as error:
            # Whatever became of this call, the one that needs the token was not sent.
            raise NotReached(f"no access token: {error.message}", error.remedy) from error
        return Secret(token)

    def strike(self, text: str) -> str:
        """The text without what we log in with, should Magento have repeated it."""
        for secret in self._login.secrets():
            value = secret.reveal()
            if len(value) >= _SHORTEST_SECRET:
                text = text.replace(value, "***").replace(quote(value, safe=""), "***")
        return text


def _criteria(filters: Sequence[Filter], fields: str, size: int) -> Query:
    if len(filters) > 9:
        raise ValueError("ten filters would be sorted otherwise by Magento than by us when signed")
    query: list[tuple[str, str]] = []
    for number, one in enumerate(filters):
        at = f"searchCriteria[filter_groups][{number}][filters][0]"
        query += [
            (f"{at}[field]", one.field),
            (f"{at}[value]", one.value),
            (f"{at}[condition_type]", one.condition),
        ]
    query.append(("searchCriteria[pageSize]", str(size)))
    if fields:
        query.append(("fields", f"items[{fields}],total_count"))
    return query


def _decoded(content: bytes | msgspec.Raw, of: Decoder[T], name: str) -> T:
    try:
        return of.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The error names a place and a type, never a value.
        raise NotUnderstood(f"{name}: the answer cannot be read: {error}") from error


#: Amounts as the number literals that they are; a float never gets this far (`exact`).
_ENCODER = msgspec.json.Encoder(decimal_format="number")
