"""Small video encoders, pretrained on procedural worlds."""
