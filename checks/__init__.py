"""Checks that must pass before a number is published."""
