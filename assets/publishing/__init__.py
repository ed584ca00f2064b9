"""What SQL consumers open: the snapshot file, and the ledger of checks beside it."""
