"""Parameter studies: one TOML file, every combination of the values in it, each result kept at once.

``sections`` says what the file may hold, ``points`` what one combination is, ``measuring`` measures it,
and ``plan`` is the whole.
"""

from photinus.faces.study.plan import Study as Study
