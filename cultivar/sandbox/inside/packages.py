"""Packages that the user has opted in to: found by name only, and imported once the walls stand."""

import sys


class Finder:
    """Finds the named packages and nothing beside them, so that the rest of their folder stays out of reach."""

    def __init__(self, modules, prefix):
        self.modules, self.prefix = modules, prefix

    def find_spec(self, name, path=None, target=None):
        if name not in self.modules or path is not None:
            return None
        from importlib.util import spec_from_file_location

        origin, locations = self.modules[name]
        inside = [self.prefix + place for place in locations] if locations else None
        return spec_from_file_location(name, self.prefix + origin, submodule_search_locations=inside)


def load(modules, prefix):
    """Import {name: (origin, locations)} from paths below `prefix`. ImportError where one fails."""
    if modules:
        sys.meta_path.append(Finder(modules, prefix))
    for name in modules:
        __import__(name)
