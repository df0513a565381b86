"""Networks: CLIP, the colorizer and its parts, matching and grounding, checkpoints."""
