"""Pages of the web app, and what they are made of."""
