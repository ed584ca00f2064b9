"""Probability of no order in the next 60 days, per customer."""
