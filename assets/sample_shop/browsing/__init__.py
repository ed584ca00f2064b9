"""Visits to the shop's site: devices, sessions and events."""
