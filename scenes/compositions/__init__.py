"""Random objects for training: primitives that are joined, bent, hollowed and cut.

After Xie et al., LRM-Zero: Training Large Reconstruction Models with Synthesized Data (Zeroverse, 2024), section 3:
primitives with random textures, then height fields, Boolean differences and wire frames. Here they are solids with a
known inside instead of meshes, so that every object is watertight; wire frames are left out.
"""
