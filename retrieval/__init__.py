"""The library of exemplars: finds the colour photos that fit a grey one."""
