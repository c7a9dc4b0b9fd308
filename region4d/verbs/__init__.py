"""The verbs of the command line, one file each. Steps of studies call `run(config, overrides)` of a verb."""
