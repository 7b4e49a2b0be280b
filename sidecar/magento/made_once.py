"""A document of Magento that is made once, whatever is lost on the way.

Magento's routes know no idempotency key: the same call makes a second document as long as something
is open.  So each carries a mark of ours in its comment, is looked for by it first, and is made only
where the last call cannot be at work any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol, TypeVar

from sidecar.magento.rest.documents import Document, DocumentComment
from sidecar.magento.rest.errors import MagentoUnknown
from sidecar.model.in_page import in_page
from sidecar.model.news import Applied, Differs, InDoubt, News

#: Seconds for which a call without an answer may still be at work; longer than PHP lets it.
_AT_WORK = 60.0
#: Most of Magento's tables are utf8mb3.
_LAST_OF_UTF8MB3 = "\uffff"
#: How far the ERP's total may be from Magento's.
_TOLERANCE = Decimal("0.01")


class Commented(Protocol):
    """A document of Magento with its comments."""

    @property
    def comments(self) -> list[DocumentComment] | None: ...


_D = TypeVar("_D", bound=Commented)


def mark_of(what: str, account: str, number: str) -> str:
    """Our mark: a sentence for whoever reads the comment, and one and the same for a number."""
    return f"ERP {what} {in_page(kept_whole(number))} ({account})"


def kept_whole(text: str) -> str:
    """The text as any Magento gives it back: what its older tables store as `?` is an escape.

    A mark, or a number, that is not found again would be made a second time.
    """
    return "".join(letter if letter <= _LAST_OF_UTF8MB3 else ascii(letter)[1:-1] for letter in text)


def marked(documents: Iterable[_D], mark: str) -> _D | None:
    """The document that carries our mark."""
    return next((one for one in documents if _carries(one, mark)), None)


def _carries(document: Commented, mark: str) -> bool:
    return any((one.comment or "").strip() == mark for one in document.comments or ())


def made_once(
    news: News, memory: str, make: Callable[[], int], writing: Callable[[str], None]
) -> int | InDoubt:
    """Make the document, which was looked for and is not there; its id.

    Raises what Magento raises where nothing was made.
    """
    if news.asked_ago is not None and news.asked_ago < _AT_WORK:
        return InDoubt("Magento has not answered, and may still be at work on it")
    writing(memory)
    try:
        return make()
    except MagentoUnknown as error:
        return InDoubt(error.message)


def compared(made: Document, total: Decimal | None, what: str, kind: str, reason: str) -> Applied:
    """The document that stands, and its difference of class `kind` where the ERP's total is another
    one."""
    said = f"{what} {made.increment_id} over {made.grand_total:.2f}"
    if total is None or abs(made.grand_total - total) <= _TOLERANCE:
        return Applied(said, document=made.entity_id)
    difference = Differs(kind, f"{made.grand_total:.2f}", f"{total:.2f}", reason)
    return Applied(said, document=made.entity_id, differences=(difference,))
