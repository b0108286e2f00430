"""What tests of several files share."""

import sys

import pytest

from photinus.faces import cli


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command line here and gives (exit code, out, err)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["photinus", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, err

    return run
