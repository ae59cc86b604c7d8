"""The hardware as gates: areas, transistors and switching, by yosys."""
