"""`python -m ascend_ops`."""

from __future__ import annotations

import signal
import sys

from ascend_ops.cli import main

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `doctor | head` ends quietly, as other tools do
sys.exit(main())
