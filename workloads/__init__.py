"""Which cascades and which shapes: attention variants, transformer layers, models."""
