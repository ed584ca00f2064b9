"""From feature tables to the matrix a model is fitted on."""
