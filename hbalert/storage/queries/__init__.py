"""Every statement by name, one module per dialect."""
