"""Everything that knows ctypes: finding CANN, loading its libraries, calling its functions.

Handles and addresses cross this border as plain integers (NULL is 0), statuses as exceptions. Nothing is
loaded on import; the first call does it.
"""
