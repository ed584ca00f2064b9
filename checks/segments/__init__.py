"""Checks of the segments: everybody has one, names and keys hold, and profiles add up."""
