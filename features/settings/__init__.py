"""The experiment file: a TOML file read into frozen values."""
