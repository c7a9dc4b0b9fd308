"""What the lifting model reads: crops, visible points, evidence of free space."""
