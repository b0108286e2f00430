"""The README's Python example runs, and its promises about files hold."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_python_example_runs(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    out = capsys.readouterr().out
    # The first line is two sets of marginals, the second begins with a word of the certificate.
    assert out.splitlines()[-1].startswith(("indistinguishable", "close"))


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", README))
def test_linked_files_exist(path):
    assert (ROOT / path).is_file()
