r"""erpsim: a stateful ERP that misbehaves on demand, to test against and to try the sidecar with.

It books sales orders and what belongs to them (credit memos, invoices, payments, shipments) behind
a small REST and a small SOAP interface, does its own arithmetic, and notes what a shop tells it of
customers, products, prices and stock.
Its books are the truth of every test: how often an order was booked, with which lines, tax and
total.

Start it, send an order, look into the books:

    python -m sidecar.testing.erpsim --port 8900 --duplicates upsert
    curl http://127.0.0.1:8900/api/v2/sales-orders --json \
        '{"externalNumber": "42", "lines": [{"sku": "A", "quantity": 2, "unitPrice": 9.99}]}'
    curl http://127.0.0.1:8900/_erpsim/state

In a test:

    with ErpSim.start(duplicates="reject") as erp:
        erp.rule("accept_then_drop", external="000000042", times=1)
        ...
        assert len(erp.bookings("000000042")) == 1
        erp.url, erp.wsdl_url, erp.endpoint("Rpc12")

The ERP's paths, below the base path:

    POST sales-orders                      201, or 422 with {"error": {code, message, field}}
    POST sales-orders/bulk                 200 with one result an order, in no fixed order
    POST sales-orders/{number}/cancel      200; 404 unknown; 409 delivered already
    GET  sales-orders?externalNumber=      200 with {"items": [...]}, all that carry the number
    GET  sales-orders?changedSince=&page=  200 with {"items": [...], "nextPage": n or null}

What it tells by itself, each list with changedSince= and page= as above, changedAt in each row:

    GET  deliveries    deliveryNumber, externalOrder, order, warehouse, lines (externalLine, sku,
                       quantity), parcels (carrier, number)
    GET  stock         sku, warehouse, available
    GET  prices        sku, channel, price, promo, promoFrom, promoTo, scales (group, from, price)
    GET  bills         invoiceNumber, externalOrder, order, lines, total, currency
    GET  returns       returnNumber, externalOrder, order, lines, shipping, adjustment, total,
                       currency
    GET  periods       period, locked, note
    GET  sales-orders  state and note of orders that it has

ErpSim.tell, tell_delivery, set_stock, set_price, tell_invoice, tell_return and set_state let it
tell of something, anew or again, with `changed=` as if long ago.  And what a shop tells it:

    POST   credit-notes     as credit-memos, with order, and in lines orderLine and amount
    POST   payments         externalNumber, order, amount, currency; found and listed alike
    POST   customers/bulk   {"customers": [...]}: 200 with results (externalNumber, number, ok,
                            code, message)
    POST   products/bulk    {"products": [...]}: alike (externalNumber, sku, name, weight, active)
    POST   stock/levels     {"levels": [...]}: alike, by id; without one it is SKU@WAREHOUSE
    POST   price-lists      {"prices": [...]}: alike, as in prices above; without an id it is
                            SKU@CHANNEL
    POST   stock/demand     {"demand": [...]}: alike (id, sku, stock, quantity, since, until)
    GET    customers?externalNumber=  200 with {"items": [...]}: what the shop calls so, and number;
                            products alike; price-lists, stock/levels and stock/demand by id=
    DELETE customers/{n}    204; 404 unknown; products alike

Credit memos are sent, found and listed alike below credit-memos, in bulk as creditMemos; each names
its order's number as salesOrder and may have an adjustment.  An order that is not there is 422
unknown_order, giving back more than it took 422 refund_too_high.  So are invoices below invoices
(invoice_too_high); shipments below shipments, whose lines need no price; and payments below
payments, with an amount and the order's number as order, and without lines (payment_too_high).

A document shows its lines: lineId as sent, sku, quantity, unitPrice, discount and tax of the line,
and total, which is quantity times price to the cent.

The same books, rules and log in SOAP: ?wsdl at soap, below the base path, has one service with
the ports Document11, Document12, Rpc11 and Rpc12 (document or rpc, SOAP 1.1 or 1.2), each at
soap/PORT.  A header ClientId may go along; it is kept with the order.

    CreateOrder(request)                    OrderNo, Status, Total, Tax, Lines
    CreateOrders(Orders)                    one Result an order, in no fixed order; 20 at most
    CancelOrder(OrderNo)
    FindOrder(ExternalId)                   every Order that carries the number
    ListOrders(ChangedSince, Page)          Order, NextPage
    SaveCustomer(request)                   CustomerNo; new, or changed by its ExternalId
    CreateCreditMemo(request)               CreditMemoNo, Status, Total, Tax, Lines
    FindCreditMemo(ExternalId)              every CreditMemo that carries the number
    ListDeliveries(ChangedSince, Page)      Delivery, NextPage; alike ListStock (Level), ListPrices
                                            (Price), ListInvoices (Invoice), ListReturns (Return),
                                            ListPeriods (Period)
    CreateInvoice(request)                  as CreateCreditMemo; FindInvoice(ExternalId)
    CreateShipment(request)                 its lines have no price; FindShipment(ExternalId)
    CreatePayment(request)                  PaymentNo, Status, Total; FindPayment(ExternalId)
    CancelDocument(Number)                  Status; of any kind
    SaveCustomers(Customers)                one Result a customer; EraseCustomer(CustomerNo)
    SaveProducts(Products)                  one Result a product; RemoveProduct(ProductNo)
    SetLevels(Levels), SetPrices(Prices), AddDemand(Demands)   one Result each
    FindRecords(Kind, Id)                   Record: Id, Number; of customer, product, level, price,
                                            demand
    GetStock(Skus)                          Level: Sku, Warehouse, Qty (ErpSim.set_stock sets them)
    Ping()                                  Version

Each result has a ResultCode: OK, or with a Message and perhaps a Field DUPLICATE, CREDIT, ITEM,
INVALID, CONFLICT, KEY (used for another order), CLOSED, DELIVERED, NOT_FOUND, AMOUNT.

With --interface business-central it speaks Microsoft's API v2.0: salesOrders,
salesCreditMemos, customers, items, salesInvoices and salesShipments of the company CRONUS.

With --interface steps it is another ERP over the same books: it knows nothing by a shop's names,
and an order is a draft until it is validated.  Every call but the login carries its token as
X-Session, else 401; what is wrong is 4xx with {"error": text, "code": …}.

    POST  login                    {user, password}: 200 {token}; 401.  A session lives for
                                   --session-requests and --session-seconds, and never longer than
                                   the process; ErpSim.limit_sessions, expire_sessions
    GET   products?sku=            200 {"items": [{id, sku}]}, none for an --item-unknown; id is a
                                   number, and another one after ErpSim.renumber(SKU)
    GET   customers?email=         200 {"items": [{id, email, name}]}; who is new is found after
                                   --search-lag=10 seconds (ErpSim.set_search_lag)
    POST  customers                {email, name}: 201 {id, …}, 422; makes a second one of the same
                                   address without a word
    GET   vat/{number}             200 {number, valid}, not valid for a --vat-id-invalid; 404
    POST  orders                   201 {id, number, state: DRAFT}, 422; fields below
    PATCH orders/{id}              {discount}: 200 {id, number, state, discount}; 422 when it is no
                                   draft, has no lines, or the discount is more than they are worth
    POST  orders/{id}/validate     200 {id, number, state: VALIDATED, total, tax, currency}; 422
                                   when it is no draft (any more) or has no lines
    POST  orders/{id}/cancel       200; 404; 409 delivered already
    GET   orders?externalNumber=   200 {"items": [...]}, all that carry the number

An order has externalNumber, customerId, orderedAt (seconds since 1970), currency, perhaps
reverseCharge, and lines of position, productId (an id, or SHIPPING), quantity (a text with three
decimals), price (a text with four) and tax; nothing else.  ErpSim.history has every version.
Its SOAP has one port, Steps11: Login, FindProducts, FindCustomers, CreateCustomer, CheckVatId,
CreateOrder, SetDiscount, ValidateOrder, CancelOrder, FindOrders.  The token goes along as the
header Session; without a session it is a fault InvalidSession, a refusal is a ResultCode.

What a known external number does (--duplicates), of each kind by itself:

    none             books a second document, as most ERPs do
    reject           409 with the number of the existing document
    idempotency-key  the same Idempotency-Key answers the same document; without one: none
    upsert           updates the document in place, version + 1; 412 for an older `revision`,
                     422 document_closed once it is neither OPEN nor DRAFT

Misbehaviours, for one request by the header "X-Erpsim: name;key=value, name", or by rule
(POST /_erpsim/rules, --rule, ErpSim.rule), which may match external=, sku=, path= (shell
patterns), method=, nth=, times=, probability=, seed=.  In a bulk call those marked * strike
the matching orders (or records) alone, the others the whole call.

    name                        the wire shows                        the books hold
    accept_then_drop            closed connection, no answer          the order
    drop_before                 closed connection, no answer          nothing
    answer_late                 the answer after seconds=30           the order
    slow_body                   the body in bits over seconds=5       the order
    truncated_body              half of the promised body, closed     the order
    half_batch                  results for the first half (bulk)     the first half
    error_in_200                status=200 with an error inside       nothing
    draft_on_201 *              201, state DRAFT                      the order as DRAFT
    duplicate_answer *          409 with the document's number; of    the order, once
                                records a result that is not ok
    wrong_duplicate *           409 with a number of no document      nothing
    stale_read                  what was true requests=1 or           (a read)
                                seconds=0 ago
    drop_line *                 201 with a line less: the one that    a line less
                                sku= names, else the last
    drop_price *                201 with that line at 0.00            a line at 0.00
    drop_tax *                  201 with tax 0.00                     no tax
    cut_price *                 201 with prices of places=2 digits    cut prices
    round_quantity *            201, quantities of places=2 digits    rounded quantities
    rounded_total *             201, total in whole units             a rounded total
    throttle                    429, Retry-After after=1; with        nothing
                                limit=N per=S only above N requests
                                in S seconds
    busy                        503                                   nothing
    credit_limit *              422 credit_limit, field customer      nothing
    unknown_item *              422 unknown_item, field lines[n].sku  nothing
    unauthorised                401                                   nothing
    not_found                   404                                   nothing
    html_error                  status=500 with a page of HTML        nothing
    schema_change               number is documentNumber, or          the order
                                document.number with form=nested;
                                of records what they are called too
    number_reused *             201 with the first document's number  the order, own number
    malformed_json              half of the JSON, well counted        the order
    server_error_after_booking  500                                   the order
    conflict                    412                                   nothing
    repeat_rows                 each row of a list's page twice       (a list)
    disorder                    a list with the newest first          (a list)
    same_page                   the page that was asked for as next   (a list)
    endless_pages               always a next page, the last rows     (a list)
                                again
    spoil_row                   field=number (or a|b) is none in the  (a list)
                                rows that have the text row=*

The table shows REST.  In SOAP what it has as 409, 412 and 422 is a ResultCode with 200, and 201
is 200 with ResultCode OK; 500, 503 and the error inside a success are a Server fault with that
status; 401, 404 and 429 are plain text; half of the JSON is half of the XML; a renamed number is
DocumentNo, or is within Document.  With --user the login is HTTP basic or, in SOAP, a
UsernameToken as text or digest, five minutes old at most, each nonce once; a wrong one is the
fault FailedAuthentication.  What is no XML, no operation or no value of its type is a Client
fault (500; 400 as Sender in SOAP 1.2).

Of the interface in steps a rule names the endpoint: accept_then_drop;method=POST;path=/customers;
nth=3 loses the answer to the third customer.  There accept_then_drop, error_in_200 and
server_error_after_booking strike questions about products, customers and VAT ids and the login,
too; a question about an order, which changes nothing, is lost by drop_before.

A document is in the journal (--state-file) before its answer leaves, so the books survive a
kill -9; what else it knows is in two more beside it.  The first line on standard
output is JSON: url, wsdl, port, pid.  Ctrl-C ends it.
"""

from sidecar.testing.erpsim.books import (
    CANCELED,
    DRAFT,
    OPEN,
    POSTED,
    VALIDATED,
    Document,
    DocumentKind,
    DuplicatePolicy,
    Line,
)
from sidecar.testing.erpsim.client import SOAP_PORTS, STEPS_PORTS, STEPS_WSDL, WSDL, ErpSimClient
from sidecar.testing.erpsim.news_books import (
    DeliveryNote,
    GoodsReturn,
    ItemPrice,
    OfLine,
    OwnInvoice,
    Parcel,
    PostingMonth,
    Scale,
    StockLevel,
)
from sidecar.testing.erpsim.process import ErpSim
from sidecar.testing.erpsim.rules import Misbehaviour
from sidecar.testing.erpsim.side_books import (
    Customer,
    Demand,
    ShopLevel,
    ShopPrice,
    ShopProduct,
    SideRecord,
)
from sidecar.testing.erpsim.simulator import Interface, Setup, serve_in_thread
from sidecar.testing.erpsim.traffic import Exchange

__all__ = [
    "CANCELED",
    "DRAFT",
    "OPEN",
    "POSTED",
    "SOAP_PORTS",
    "STEPS_PORTS",
    "STEPS_WSDL",
    "VALIDATED",
    "WSDL",
    "Customer",
    "DeliveryNote",
    "Demand",
    "Document",
    "DocumentKind",
    "DuplicatePolicy",
    "ErpSim",
    "ErpSimClient",
    "Exchange",
    "GoodsReturn",
    "Interface",
    "ItemPrice",
    "Line",
    "Misbehaviour",
    "OfLine",
    "OwnInvoice",
    "Parcel",
    "PostingMonth",
    "Scale",
    "Setup",
    "ShopLevel",
    "ShopPrice",
    "ShopProduct",
    "SideRecord",
    "StockLevel",
    "serve_in_thread",
]
