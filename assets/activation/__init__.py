"""Audiences for advertising destinations, their export files, and the measured lift of contact."""
