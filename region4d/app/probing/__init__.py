"""What the Probe page shows of frozen features: points and depth read from them, and their colours by layer."""
