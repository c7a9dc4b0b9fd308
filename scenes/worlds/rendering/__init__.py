"""Ray casting of batches of worlds in torch, on any device, and the exact truth that comes with it."""
