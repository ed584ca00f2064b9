"""Checks of lifetime value: amounts, their intervals and their totals."""
