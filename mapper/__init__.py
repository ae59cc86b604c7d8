"""Which mapping, and which architecture, is best."""
