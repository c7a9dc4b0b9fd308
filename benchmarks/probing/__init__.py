"""Studies of probes: errors by model, layer, noise and control."""
