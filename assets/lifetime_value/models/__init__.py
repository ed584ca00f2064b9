"""Models of order frequency and order value, usable without the pipeline."""
