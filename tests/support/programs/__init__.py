"""The command line, a browser, processes and documents as tests use them."""
