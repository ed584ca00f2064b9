"""Erasure of a person from the warehouse, the vault, landed files and the snapshot."""
