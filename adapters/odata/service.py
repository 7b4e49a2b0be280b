"""The services of an OData ERP: where each begins, and which version it speaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

from adapters.calls.section import Section
from adapters.http.transport import Request
from adapters.language.filters import ExpressionError, as_text, is_number

VERSIONS = (2, 4)
BATCHES = ("multipart", "json")

_PATH = re.compile(r"(/[^/?#\\\s]+)*")
#: What each version wants to be told of itself.
_HEADERS: Mapping[int, Mapping[str, str]] = {
    2: {"DataServiceVersion": "2.0", "MaxDataServiceVersion": "2.0"},
    4: {"OData-Version": "4.0", "OData-MaxVersion": "4.01"},
}


@dataclass(frozen=True, slots=True)
class Service:
    """One service: `path` is its root behind `erp.url`, without a slash at its end.

    `json_batch`: several requests go as JSON instead of multipart (OData 4.01 only).
    `parameters` go with each request, as SAP's `sap-client`.
    """

    path: str
    version: int
    json_batch: bool = False
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with each request; what the file says of a header counts more."""
        return {"Accept": "application/json", **_HEADERS[self.version]}

    def within(self, link: str) -> str:
        """The path, with its query, of a link to a further page.

        Whatever host it names: behind a gateway an ERP names its own, which nobody else reaches.
        Raises ExpressionError for one that leads out of the service.
        """
        parts = urlsplit(link)
        inside = parts.path
        if parts.netloc or inside.startswith("/"):
            _, root, inside = parts.path.partition(f"{self.path}/")
            if not root:
                raise ExpressionError("the next page's link leads out of the service")
        return f"{self.path}/{inside}?{parts.query}"


def addressed(path: str, query: Iterable[tuple[str, str]]) -> str:
    """The path with its query: a blank is %20, as OData 4 does not know the + of forms."""
    written = urlencode(tuple(query), safe="$'(),:", quote_via=quote)
    return f"{path}?{written}" if written else path


@dataclass(frozen=True, slots=True)
class ODataRequest(Request):
    """A call to a service; its path has the query in it, its name has not."""

    service: Service = field(kw_only=True)
    #: How many requests are in it, where it is an envelope.
    parts: int = 0

    @property
    def modifies(self) -> bool:
        """Whether the service wants a token for it."""
        return self.method not in ("GET", "HEAD")

    @property
    def names_no_version(self) -> bool:
        """Whether it changes what is there, and does not say which version of it is meant."""
        changes = self.method in ("PATCH", "PUT", "DELETE")
        return changes and "if-match" not in map(str.lower, self.headers)


def read_services(top: Section) -> dict[str, Service]:
    """The services of a file by name; what is wrong is noted in its source."""
    if "services" not in top:
        top.source.problem((), "'services' is missing: name: {path: /…, version: 2 or 4}")
        return {}
    section = top.section("services")
    parameters = _read_parameters(top)
    return {name: _read_service(section.section(name), parameters) for name in section.data}


def _read_parameters(top: Section) -> tuple[tuple[str, str], ...]:
    if "parameters" not in top:
        return ()
    section = top.section("parameters")
    for name, value in section.data.items():
        if not isinstance(value, str) and not is_number(value):
            section.problem(name, "this must be one value")
            return ()
    return tuple((name, as_text(value)) for name, value in section.data.items())


def _read_service(section: Section, parameters: tuple[tuple[str, str], ...]) -> Service:
    section.keys(("path", "version", "batch"), ("path", "version"))
    path = str(section.data.get("path", "")).rstrip("/")
    if not _PATH.fullmatch(path):
        section.problem("path", "this must be a path behind erp.url: /sap/opu/odata/sap/…")
    version = section.data.get("version", VERSIONS[0])
    if version not in VERSIONS:
        section.problem("version", f"there are {' and '.join(map(str, VERSIONS))}")
        version = VERSIONS[0]
    batch = section.word("batch", BATCHES)
    if batch == "json" and version == 2:
        section.problem("batch", "OData 2 knows multipart only")
    return Service(path, int(version), batch == "json", parameters)
