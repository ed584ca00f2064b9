"""Protection of personal data: encryption, redaction of exports, erasure, subject access and byte scan."""
