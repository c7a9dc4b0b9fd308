"""Meshes of anybody's as objects: reading, signed distances, pictures of them on floors, tables, shelves and stacks."""
