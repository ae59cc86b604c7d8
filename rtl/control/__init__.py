"""The array's control: from a mapping and its schedule to the sequencer's memory image."""
