"""The command line; ``photinus --help`` lists the commands.

``entry`` lists the commands in the order of the help, and runs them. Each is in the file of its name or
group. ``options`` has the options that several commands share, ``inputs`` reads what is given, and
``messages`` says what comes out.
"""

from photinus.faces.cli.entry import app as app
from photinus.faces.cli.entry import main as main
