"""The merchant's choices, as data. Pure."""
