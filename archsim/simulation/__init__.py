"""Cycle simulation: a program of tile steps, executed against a DRAM that is not always ready."""
