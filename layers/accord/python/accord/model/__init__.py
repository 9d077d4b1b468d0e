"""The canonical documents. Pure: no vendor, no I/O."""
