"""Readers: videos, images and RGB-D folders as clips."""
