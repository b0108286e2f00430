"""The command line; ``photinus --help`` lists the commands.

``commands`` lists the commands in the order of the help, each is in the file of its name or group.
``entry`` runs them, ``options`` has the options that several commands share, ``inputs`` reads what
is given, ``messages`` says what comes out.
"""

from photinus.faces.cli.commands import app as app
from photinus.faces.cli.entry import main as main
