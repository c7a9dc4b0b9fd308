"""Aria Digital Twin: real recordings of rooms with depth, instances and the boxes of all objects."""
