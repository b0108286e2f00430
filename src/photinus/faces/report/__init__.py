"""Self-contained HTML reports: one file, pictures inside.

``page`` makes pages, ``rows`` their tables, ``hardware`` the chapter on hardware. ``run`` and ``demo``
put the pages of a stored run and of the main job together. Reports read, they measure nothing.
"""
