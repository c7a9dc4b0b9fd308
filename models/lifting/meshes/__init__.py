"""Meshes from occupancy, and rays against them."""
