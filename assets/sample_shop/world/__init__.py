"""The simulated shop: customers, products, orders, and the parameters that generate them."""
