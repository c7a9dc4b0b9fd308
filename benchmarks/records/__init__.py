"""Records of what was measured, their manifests and archives."""
