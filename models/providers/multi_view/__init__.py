"""Networks that take all frames of a clip at once and join them: of MapAnything's factory, and VGGT itself."""
