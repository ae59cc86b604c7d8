"""FuseMax's Pareto front of area and latency, refined to a hundred thousand designs."""
