"""The command line is tried on the same fake CANN installations as the binding."""

from __future__ import annotations

from cann.conftest import fake_home

__all__ = ["fake_home"]
