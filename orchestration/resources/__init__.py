"""Adapters for the ports in ``assets/ports.py``."""
