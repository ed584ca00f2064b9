"""Reviews of simulated products and the sentiment behind them."""
