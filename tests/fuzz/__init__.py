"""Looking for files and requests that take too long, too much memory, or end in a fault."""
