"""Make the ERP's invoices into invoices of Magento, each once, with the payment captured."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.domains.invoices.news import ErpInvoice
from sidecar.domains.invoices.spec import SPEC
from sidecar.magento.invoice_maker import InvoiceMaker
from sidecar.magento.made_once import mark_of
from sidecar.model.errors import BadData
from sidecar.model.news import Application, News


class InvoiceApplier:
    """See `sidecar.magento.applier.DocumentApplier`."""

    spec = SPEC

    def __init__(self, maker: InvoiceMaker, *, capture: bool) -> None:
        """`capture`: the payment is captured, where an invoice does not say."""
        self._maker = maker
        self._capture = capture

    def apply(self, news: News, writing: Callable[[str], None]) -> Application:
        """See `DocumentApplier`."""
        invoice = news.row
        if not isinstance(invoice, ErpInvoice) or news.entity_id is None:
            raise BadData("this is no invoice")
        return self._maker.invoice(
            news,
            news.entity_id,
            mark_of("invoice", news.account, news.number),
            invoice.items,
            writing,
            capture=self._capture if invoice.capture is None else invoice.capture,
            notify=invoice.notify,
            total=invoice.total,
        )
