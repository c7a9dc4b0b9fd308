"""Meshes of anybody's as objects: reading, signed distances and textures."""
