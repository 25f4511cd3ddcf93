"""Import every module of the application, as root: its environment is whole, and what it needs is compiled.

The services cannot write there. Compiling all packages takes twice as long, for parts that nobody imports.
"""

import importlib
import pkgutil

import cosmo

for module in pkgutil.walk_packages(cosmo.__path__, "cosmo."):
    if module.name != "cosmo.__main__":
        importlib.import_module(module.name)
