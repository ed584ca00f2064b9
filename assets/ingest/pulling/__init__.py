"""Incremental pulls from databases and REST APIs into the landing folder."""
