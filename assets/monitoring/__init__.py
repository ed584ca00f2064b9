"""Monitoring: data readiness, source volume, drift and replay reports."""
