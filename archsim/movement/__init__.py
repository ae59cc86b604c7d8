"""How many bytes must move, at least, for a buffer of a given size."""
