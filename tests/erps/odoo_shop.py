"""What a shop needs in Odoo; read by `odoo shell`, in a Python of Odoo's own.

A user for the sidecar with the rights that docs/odoo.md names and an API key, a price list in a
second currency, taxes, and products with stock.
"""

from __future__ import annotations

import datetime
import json
import os
from typing import Any

USER_GROUPS = (
    "base.group_user",
    "base.group_partner_manager",
    "sales_team.group_sale_salesman_all_leads",
    "stock.group_stock_user",
    "account.group_account_invoice",
)
#: That of the shop, so that only orders in another one need a price list.
CURRENCY = "EUR"
TAXES = (8.25, 19, 7)
GOODS = ("SEVEN", "PENNY", *json.loads(os.environ["SKUS"]))
SERVICES = ("MAGENTO-SHIPPING", "MAGENTO-DISCOUNT", "MAGENTO-ADJUSTMENT", "MAGENTO-DIFFERENCE")


def make_shop(env: Any) -> None:
    """`env` is the shell's."""
    company = env.company
    currencies = env["res.currency"].with_context(active_test=False)
    currencies.search([("name", "in", ["EUR", "USD"])]).write({"active": True})
    company.currency_id = currencies.search([("name", "=", CURRENCY)])
    for percent in TAXES:
        env["account.tax"].create(
            {
                "name": f"{percent} %",
                "amount": percent,
                "amount_type": "percent",
                "type_tax_use": "sale",
                "company_id": company.id,
            }
        )
    for other in currencies.search([("name", "=", "USD")]):
        env["product.pricelist"].create({"name": f"Shop {other.name}", "currency_id": other.id})
    place = env["stock.warehouse"].search([], limit=1).lot_stock_id
    for sku in GOODS:
        product = env["product.product"].create(
            {
                "name": sku,
                "default_code": sku,
                "type": "consu",
                "is_storable": True,
                "list_price": 99,
            }
        )
        env["stock.quant"].with_context(inventory_mode=True).create(
            {"product_id": product.id, "location_id": place.id, "inventory_quantity": 100}
        ).action_apply_inventory()
    for sku in SERVICES:
        env["product.product"].create({"name": sku, "default_code": sku, "type": "service"})
    env["ir.model.fields"].create(
        {
            "model_id": env["ir.model"]._get_id("sale.order"),
            "name": "x_web_channel",
            "field_description": "Web channel",
            "ttype": "char",
        }
    )
    user = env["res.users"].create(
        {
            "name": "Magento",
            "login": "magento",
            "password": "of the tests",
            "group_ids": [(6, 0, [env.ref(name).id for name in USER_GROUPS])],
        }
    )
    until = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(days=60)
    key = env["res.users.apikeys"].with_user(user)._generate("rpc", "sidecar", until)
    with open(os.environ["KEY_FILE"], "w", encoding="utf-8") as file:
        file.write(key)
    env.cr.commit()
