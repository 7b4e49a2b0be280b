"""NetSuite's SuiteTalk: token passport, a closed list of operations, answers record by record."""
