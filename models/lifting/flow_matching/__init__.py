"""Flow matching: paths, samplers, shortcut and preference objectives."""
