"""AccelForge's mapper beside ours: same specs, same accounting, one process for each case."""
