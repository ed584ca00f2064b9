"""Checks of what customers allowed."""
