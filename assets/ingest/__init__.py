"""Ingest: delivered exports, typed and loaded into raw tables; rejected rows are kept with a reason."""
