"""Finding a reference in the user's own photos: not here yet, it arrives in a later version."""
