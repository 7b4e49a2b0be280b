"""The services of this ERP, each by its root."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.news_books import NewsBooks
from sidecar.testing.erpsim.sap.document_service import DocumentService
from sidecar.testing.erpsim.sap.documents import CREDIT_MEMOS, ORDERS, ORDERS_4, Rejections
from sidecar.testing.erpsim.sap.face import SapService
from sidecar.testing.erpsim.sap.partner_service import PartnerService
from sidecar.testing.erpsim.sap.told_services import DeliveryService, StockService
from sidecar.testing.erpsim.side_books import SideBooks

_V2 = "/sap/opu/odata/sap"
_V4 = "/sap/opu/odata4/sap"


def services(conduct: Conduct, side_books: SideBooks, news: NewsBooks) -> Mapping[str, SapService]:
    """All of them; the books are those of every face."""
    rejections = Rejections()
    return {
        f"{_V2}/API_SALES_ORDER_SRV": DocumentService(conduct, ORDERS, rejections),
        f"{_V4}/api_salesorder/srvd_a2x/sap/salesorder/0001": DocumentService(
            conduct, ORDERS_4, rejections
        ),
        f"{_V2}/API_CREDIT_MEMO_REQUEST_SRV": DocumentService(conduct, CREDIT_MEMOS, rejections),
        f"{_V2}/API_MATERIAL_STOCK_SRV": StockService(conduct, news),
        f"{_V2}/API_OUTBOUND_DELIVERY_SRV;v=0002": DeliveryService(conduct, news),
        f"{_V2}/API_BUSINESS_PARTNER": PartnerService(conduct, side_books),
    }
