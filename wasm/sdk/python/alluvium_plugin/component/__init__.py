"""An operator as a component. Only `export` imports what is in here, and only within one."""
