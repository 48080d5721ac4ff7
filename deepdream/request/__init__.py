"""A request: what is to be dreamt, checked, and the recipe that repeats it."""
