"""Small videos, pictures and clips whose contents tests know."""
