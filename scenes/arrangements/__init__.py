"""Meshes arranged on floors, tables, shelves and stacks, and pictures of them."""
