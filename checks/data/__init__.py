"""Checks of delivered data: completeness, freshness, volume."""
