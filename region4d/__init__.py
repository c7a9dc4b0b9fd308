"""The front door: the `region4d` command."""
