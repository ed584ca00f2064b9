"""Model cards, quality grades and plots."""
