"""Invariants of single capabilities."""
