"""Searches that prove nothing, for spaces that are too big to be searched exactly."""
