"""The Business Central face: API v2.0 as its pages behave, over the books that all faces share.

Below the base path:

    /oauth2/v2.0/token                        client credentials, where the set-up has a user
    /$batch                                   JSON, up to 100 requests
    /companies
    /companies(ID)/salesOrders                create, read, change, delete, shipAndInvoice
    /companies(ID)/salesCreditMemos           create, read, post
    /companies(ID)/customers                  create, read, change
    /companies(ID)/items, salesInvoices, salesShipments       read

What it is strict about, because Business Central is: fields are validated in the order of the JSON
(a customer overwrites the addresses and the currency before it, a quantity the price before it, a
line's type goes before its number); codes are kept in capitals; a discount of the document wants
lines; a change wants its ETag (400 without, 409 with an old one); an order that was posted is gone,
and an invoice and a shipment are there instead; a list has its pages by `odata.nextLink`; a batch
ends with the first request that fails unless it asks to go on.
"""
