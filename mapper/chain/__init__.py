"""Exact mapping of serial chains."""
