"""A package whose own library is not there: its domain, its adapter and its reader do not load."""

from importlib import import_module

import_module("a_library_that_is_not_installed")
