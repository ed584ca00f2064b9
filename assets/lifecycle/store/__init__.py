"""Control tables, model registry, model files and fingerprints."""
