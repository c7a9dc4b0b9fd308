"""Procedural worlds: rooms with textured objects, moving or not, and exact truth for every pixel."""

from scenes.worlds.layout import make_world
from scenes.worlds.rendering.render import SIGNALS, Signal, render
from scenes.worlds.world import World, WorldConfig

__all__ = ["SIGNALS", "Signal", "World", "WorldConfig", "make_world", "render"]
