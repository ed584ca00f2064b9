"""Metrics of predictions with their confidence intervals, and effect sizes of drift."""
