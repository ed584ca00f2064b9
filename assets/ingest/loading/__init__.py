"""Idempotent, typed loading of parsed files into raw tables; rejected rows go to the rejects table."""
