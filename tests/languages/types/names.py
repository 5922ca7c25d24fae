"""Prints what the samples must use of the package: its names, and the public methods of its classes."""

import inspect

import alluvium_plugin

# Methods that the parts of the package have for each other.
INTERNAL = {"find", "joined", "lookup_bytes"}

for name in alluvium_plugin.__all__:
    of = getattr(alluvium_plugin, name)
    members = vars(of) if inspect.isclass(of) else {}
    public = {each for each, it in members.items() if inspect.isroutine(it) and not each.startswith("_")}
    print(name, *sorted(public - INTERNAL))
