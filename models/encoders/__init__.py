"""Image and video backbones behind one contract."""
