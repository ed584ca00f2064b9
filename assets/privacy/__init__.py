"""Custody of personal values: the vault's cryptography, exports without them, erasure, and proof by bytes."""
