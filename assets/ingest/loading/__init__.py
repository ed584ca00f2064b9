"""Idempotent, typed loading of parsed files into raw tables; refused rows go to the rejects table."""
