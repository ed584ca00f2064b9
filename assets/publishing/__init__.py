"""The published snapshot file for SQL consumers, and the ledger of check results."""
