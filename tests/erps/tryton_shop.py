"""What a shop needs in Tryton, written by its own client; run by a Python of Tryton's own.

python tryton_shop.py CONFIGURATION DATABASE
"""

from __future__ import annotations

import sys
from decimal import Decimal

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, create_tax, get_accounts
from trytond.modules.company.tests.tools import create_company, get_company
from trytond.modules.currency.tests.tools import get_currency

RATES = ("0.0825", "0.19", "0.07")
GOODS = ("MUG", "SEVEN", "PENNY")
SERVICES = ("MAGENTO-SHIPPING", "MAGENTO-DISCOUNT")


def main() -> None:
    """Company, chart of accounts, taxes and products."""
    file, database = sys.argv[1:]
    connected = config.set_trytond(database=f"sqlite:///{database}", config_file=file)
    create_company(currency=get_currency("EUR"))
    company = get_company()
    create_chart(company=company)
    accounts = get_accounts(company)
    connected._context = Model.get("res.user").get_preferences(True, {})
    for rate in RATES:
        create_tax(Decimal(rate), company).save()
    category = Model.get("product.category")(name="Goods", accounting=True)
    category.account_revenue = accounts["revenue"]
    category.account_expense = accounts["expense"]
    category.save()
    (unit,) = Model.get("product.uom").find([("symbol", "=", "u")])
    for kind, skus in (("goods", GOODS), ("service", SERVICES)):
        for sku in skus:
            template = Model.get("product.template")(
                name=sku, type=kind, default_uom=unit, salable=True, list_price=Decimal(99)
            )
            template.account_category = category
            template.products[0].suffix_code = sku
            template.save()


main()
