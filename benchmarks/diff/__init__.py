"""Paired comparison of two runs, of this project or of another evaluation tool."""
