"""Checks of what was delivered."""
