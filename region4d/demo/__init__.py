"""All four systems on procedural worlds, with shipped checkpoints: `region4d demo`."""
