"""Its adapter and its reader of interfaces need a library that is not there."""

from importlib import import_module

import_module("a_library_that_is_not_installed")
