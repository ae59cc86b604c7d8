"""Prefill against decode: which array and which bandwidth each of them wants."""
