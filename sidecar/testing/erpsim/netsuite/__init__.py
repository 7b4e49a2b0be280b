"""The NetSuite face: REST record service and SuiteQL over the books that all faces share.

Below the base path:

    /record/v1/salesOrder/eid:REF, /creditMemo/eid:REF       upsert (PUT), read
    /record/v1/salesOrder/ID, /creditMemo/ID                 read, change (PATCH)
    /record/v1/customer/eid:REF, /customer/ID                upsert, read, change
    /query/v1/suiteql                                        the queries that a pack asks

What it is strict about, because NetSuite is: a write answers 204 with a Location and no body; lines
of a repeated PUT are appended unless `replace=item`; a name that is not known is dropped in silence
unless `X-NetSuite-PropertyNameValidation: Error`; a rate counts only at price level -1; tax is what
`taxDetails` say, where they are said to override (the REST service knows SuiteTax alone); sublists
are read only with `expandSubResources=true`; SuiteQL wants `Prefer: transient`.

Not as NetSuite: an internal id is the books' number and no number of digits; nobody needs to log
in; the account has three currencies and one customer of its own, `GUEST`.
"""
