"""Who is contacted, and what that changes."""
