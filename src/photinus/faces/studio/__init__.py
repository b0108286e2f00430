"""A live laboratory in the browser: ``photinus studio``. Its server needs the extra ``studio``."""
