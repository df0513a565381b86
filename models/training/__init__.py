"""Training of the embedded CLIP and of the colorizer, on tar shards or a folder of photos."""
