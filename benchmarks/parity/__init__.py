"""A checkpoint here against what another stack recorded of it."""
