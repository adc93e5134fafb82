"""Packages that the user has opted in to: found by name only, and imported once the process is isolated."""

import sys


class PackageFinder:
    """Finds the named packages and no others in their folder."""

    def __init__(self, modules, prefix):
        self.modules, self.prefix = modules, prefix

    def find_spec(self, name, path=None, target=None):
        if name not in self.modules or path is not None:
            return None
        from importlib.util import spec_from_file_location

        origin, locations = self.modules[name]
        folders = [self.prefix + folder for folder in locations] if locations else None
        return spec_from_file_location(name, self.prefix + origin, submodule_search_locations=folders)


def import_packages(modules, prefix):
    """Import {name: (origin, locations)} from paths below `prefix`. Raises ImportError."""
    if modules:
        sys.meta_path.append(PackageFinder(modules, prefix))
    for name in modules:
        __import__(name)
