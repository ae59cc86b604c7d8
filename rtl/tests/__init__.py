"""Benches of the RTL: what drives it, what it must do, and the pytest files that run them."""
