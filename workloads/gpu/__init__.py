"""The cascades as GPU kernels: what they compute, what they move, and how fast they ran."""
