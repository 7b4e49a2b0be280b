"""OData 2 and 4: what a file of calls for REST lacks where an ERP speaks it (docs/odata.md)."""
