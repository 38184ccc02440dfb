"""Configuration: from TOML files, the environment and secret files to values, all mistakes at once."""
