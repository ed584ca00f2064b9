"""Data readiness: which capabilities the delivered data can carry, and what is missing."""
