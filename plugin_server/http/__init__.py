"""HTTP: forms in, responses out, and who may send them."""
