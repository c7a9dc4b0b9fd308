"""SR-3D: a vision-language model whose visual tokens carry canonical 3D positions and whose prompt points at regions."""
