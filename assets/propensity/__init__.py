"""Probability of an order in the next 30 days, per customer."""
