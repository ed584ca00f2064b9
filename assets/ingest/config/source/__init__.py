"""Configuration of a source: its encoding, pulls, joins and presets."""
