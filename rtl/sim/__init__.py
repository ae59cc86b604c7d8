"""Runs of the whole array: images, golden model, bench, and what came out."""
