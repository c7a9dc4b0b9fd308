"""Running `region4d regionize`."""
