"""A page in the browser that dreams while one looks: `deepdream serve`.

The page is plain HTML, CSS and JavaScript in page/. What it asks for comes from anywhere, so that
all of it is read with bounds, and no name in it is ever a path.
"""
