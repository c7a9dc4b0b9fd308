"""Camera poses and sparse points of RGB frames, by COLMAP."""

from models.providers.colmap.provider import Colmap as Colmap
