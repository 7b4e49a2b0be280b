"""SAP S/4HANA over its OData services (docs/sap.md): a file of calls and a lifecycle."""
