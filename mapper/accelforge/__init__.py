"""AccelForge's specs as ours and back: architectures, workloads and mappings."""
