"""How good a prediction is: numbers with the intervals that belong to them."""
