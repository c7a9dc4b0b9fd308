"""The web app, `region4d serve`: one file a page; what a page shows is computed here without the web."""
