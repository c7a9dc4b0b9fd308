"""SR-3D: a vision-language model with 3D positions in its visual tokens and regions in its prompt."""
