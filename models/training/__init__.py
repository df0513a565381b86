"""Training of CLIP, colorizer, affinity, grounder and matcher, on photos in shards or folders."""
