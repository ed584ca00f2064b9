"""Delivered files in any of the supported formats, parsed into columns of text."""
