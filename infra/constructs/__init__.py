"""What the stacks are made of: one resource each, and what always goes with it."""
