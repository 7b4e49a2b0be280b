"""Magento's own REST API, for what needs its business logic: an order's documents, stock, prices.

Every rule here was seen on a running 2.4.7 (docs/magento-api.md).  A writing call is sent once:
what may have reached Magento is never sent again here, the caller asks first (`MagentoUnknown`).
"""
