"""Files and folders that appear whole."""
