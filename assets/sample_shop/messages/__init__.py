"""Campaigns, messages and consents of simulated customers."""
