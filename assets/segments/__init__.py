"""Which customers are alike, and what sets each group apart?"""
