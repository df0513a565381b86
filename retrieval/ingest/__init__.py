"""Photos come into the library: walked, read, prepared, and looked after."""
