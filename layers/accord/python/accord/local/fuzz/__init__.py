"""What may come instead of a delivery: made by the million, and what must hold for each."""
