"""Numbered migrations, `NNNN_name.sql`. A released one is never changed: its checksum is recorded."""
