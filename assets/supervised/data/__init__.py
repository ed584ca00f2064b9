"""Point-in-time training data, its splits by time, and the sample kept for drift."""
