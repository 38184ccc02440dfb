"""`python -m hbalert` is `hbalert`."""

from hbalert.cli import main

main()
