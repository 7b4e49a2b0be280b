"""`erp-sidecar doctor`: read-only looks at files, server, rights, triggers, ledger, ERP, API.

A check is a function and a `Check` beside it, in the list at the end of its section's module;
`catalogue` puts the lists together.  Its texts are also its section in docs/doctor.md.
"""
