"""Colour for grey photographs: colour spaces, the networks, training, and the way of a layer."""
