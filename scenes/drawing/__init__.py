"""Pictures of regions, clips and meshes."""
