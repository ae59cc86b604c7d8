"""Mappings of one Einsum as Timeloop version 4 writes them, and back."""
