"""Exports in: what a business delivers, typed and landed, with every refused row kept and explained."""
