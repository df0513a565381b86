"""Jobs: requests wait for their turn and are worked on, here or elsewhere."""
