"""Redaction of exports: personal values move into the vault and landed files are rewritten."""
