"""Which operations of SuiteTalk a file of calls may use, and why not the others."""

from __future__ import annotations

from adapters.language.shape import suggest

#: Operations that save records, and whether they take a list of them.
WRITES = {"upsert": False, "upsertList": True, "update": False, "updateList": True}
UPSERTS = ("upsert", "upsertList")
#: Operations that read records by their ids.
READS = {"get": False, "getList": True}
SEARCH, MORE = "search", "searchMoreWithId"
OTHERS = ("getItemAvailability", "getServerTime")

#: Most records in one call.  NetSuite takes 200 transactions, at peak times fewer.
MOST_RECORDS = 200

_USABLE = (*WRITES, *READS, SEARCH, *OTHERS)
_TWICE = "it would book a record a second time when an answer is lost; use {0} with an externalId"
_GONE = "it would take away what the books hold; close an order's lines by update instead"
_LATER = (
    "it answers only that NetSuite will begin, so that what becomes of an order stays unknown; "
    "use {0}"
)
_INITIAL = (
    "its answer would have to be sent back by another call; upsert the record with createdFrom"
)
_REFUSED = {
    "add": _TWICE.format("upsert"),
    "addList": _TWICE.format("upsertList"),
    "delete": _GONE,
    "deleteList": _GONE,
    "asyncAddList": _LATER.format("upsertList"),
    "asyncDeleteList": _GONE,
    "asyncGetList": _LATER.format("getList"),
    "asyncInitializeList": _INITIAL,
    "asyncSearch": _LATER.format("search"),
    "asyncUpdateList": _LATER.format("updateList"),
    "asyncUpsertList": _LATER.format("upsertList"),
    "changeEmail": "it changes a person's login",
    "changePassword": "it changes a person's login",
    "initialize": _INITIAL,
    "initializeList": _INITIAL,
    MORE: "further pages of a search are fetched by themselves; write search",
}


def refusal(operation: str) -> str:
    """Why a file of calls may not use an operation; empty where it may."""
    if operation in _USABLE:
        return ""
    why = _REFUSED.get(operation) or (
        f"it is of no use here{suggest(operation, _USABLE)}; there are {', '.join(_USABLE)}"
    )
    return f"'{operation}' is refused: {why}"


def takes_one(operation: str) -> bool:
    """Whether it takes one record and no more."""
    return {**WRITES, **READS}.get(operation) is False


def is_list(operation: str) -> bool:
    """Whether its answer has a result for each of several records."""
    return {**WRITES, **READS}.get(operation, False)
