"""What works here: `region4d doctor`."""
