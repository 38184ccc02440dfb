"""`python -m tests.compat`; see `table.py`."""

import sys

from tests.compat.table import main

sys.exit(main())
