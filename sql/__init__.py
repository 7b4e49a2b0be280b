"""The SQL that the sidecar runs, as files that a DBA reads; packaged as data."""
