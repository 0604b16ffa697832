"""`python -m ascend_ops`."""

from __future__ import annotations

import sys

from ascend_ops.cli import main

sys.exit(main())
