"""What `accord bench` measures: each module one figure, none prints anything."""
