"""Prototypes as C text; `prototypes.py` reads them."""
