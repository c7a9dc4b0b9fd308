"""Objects of procedural worlds: families, primitives, solids, textures."""
