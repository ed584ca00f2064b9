"""Commands of privacy: erasure, subject access, scan and vault keys."""
