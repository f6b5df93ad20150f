import ast
import subprocess
import sys
from pathlib import Path

import appleschool

SOURCE = Path(appleschool.__file__).parent


def test_every_public_name_is_there_and_nothing_else():
    assert appleschool.__all__ == sorted(appleschool.__all__, key=lambda name: (not name.isupper(), name))
    modules = {path.stem for path in SOURCE.glob("*.py")}
    public = {name for name in vars(appleschool) if not name.startswith("_")} - modules
    assert public == set(appleschool.__all__)


def test_every_error_is_exported_and_drawn_in_the_tree():
    errors = appleschool.errors
    tree = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, Exception):
            assert name in appleschool.__all__
            assert name in tree


def test_every_public_name_is_documented():
    docs = (SOURCE.parents[1] / "docs" / "appleschool.md").read_text()
    assert [name for name in appleschool.__all__ if f"`{name}" not in docs] == []


def test_it_needs_neither_django_nor_the_rest_of_the_program():
    code = "import sys, appleschool; print({name.partition('.')[0] for name in sys.modules})"
    loaded = ast.literal_eval(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=SOURCE.parent
        ).stdout
    )
    assert not loaded & {"django", "homeroom", "appleschool_sim", "uvloop"}
