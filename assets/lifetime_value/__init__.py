"""What are customers going to spend, and how sure is that?"""
