"""Features of customers: their declaration, slices and groups, and the matrix for fitting and scoring."""
