"""Search: scores, colours, diversity, and how good all of it is."""
