"""The simulated shop: customers, products, orders and what drives them."""
