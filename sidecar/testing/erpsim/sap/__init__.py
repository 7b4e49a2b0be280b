"""The SAP face: sales orders and what belongs to them as S/4HANA's OData services show them.

Below the base path, each service with its token, its cookies and its error envelope:

    /sap/opu/odata/sap/
        API_SALES_ORDER_SRV                A_SalesOrder, A_SalesOrderItem
        API_CREDIT_MEMO_REQUEST_SRV        A_CreditMemoRequest
        API_MATERIAL_STOCK_SRV             A_MatlStkInAcctMod
        API_OUTBOUND_DELIVERY_SRV;v=0002   A_OutbDeliveryHeader
        API_BUSINESS_PARTNER               A_BusinessPartner
    /sap/opu/odata4/sap/
        api_salesorder/srvd_a2x/sap/salesorder/0001    SalesOrder, SalesOrderItem

What it is strict about, because SAP is: a change needs the token of a session together with that
session's cookies (403, `x-csrf-token: Required`); an amount of OData 2 is a text, a day
`/Date(…)/`; a property that is not there, too long or of another type is 400; a change of a
document needs its ETag (428 without, 412 with an old one); a change set has one order; it prices
and taxes by itself, by the tax classification of the line.
"""
