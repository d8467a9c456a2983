"""Who may import whom: the lab does not know its pages, nor what they are made with."""

import ast
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import resnet_lab

PACKAGE = Path(resnet_lab.__file__).parent
FORBIDDEN = ("streamlit", "plotly", "torchvision", "captum", "resnet_lab.ui")
ALLOWED = {"torch", "numpy", "pydantic", "resnet_lab"}
OUTSIDE = {  # who else is let in, and where
    "PIL": {"sheets", "uploads"},
    "captum": {"conductance", "explainers", "faithfulness"},
    "torchvision": {"downloads"},
    "pyarrow": {"formats", "exports"},
    "sqlalchemy": {"capsules", "database", "queueing", "store", "tables"},
    "safetensors": {"weights"},
    "psutil": {"memory", "queueing", "supervisor"},
    "filelock": {"machine", "shipped", "supervisor"},
    "packaging": {"diagnoses"},
    "scipy": {"statistics"},
    "rich": {"compare", "following", "tables"},
}
MODULES = [
    "resnet_lab",
    *sorted(
        module.name
        for module in pkgutil.walk_packages([str(PACKAGE)], prefix="resnet_lab.", onerror=None)
        if not module.name.startswith("resnet_lab.ui") and module.name != "resnet_lab.__main__"
    ),
]
IMPORT_ALL = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(*names):
    """All modules that a fresh process has after these imports."""
    found = subprocess.run(
        [sys.executable, "-I", "-c", IMPORT_ALL, str(PACKAGE.parent), *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def offenders(loaded):
    return [name for name in loaded if any(name == bad or name.startswith(f"{bad}.") for bad in FORBIDDEN)]


@pytest.mark.parametrize("names", [MODULES[:1], MODULES], ids=["the package", "every module"])
def test_importing_the_lab_imports_no_page_and_no_chart_library(names):
    loaded = loaded_by(*names)
    assert set(names) <= set(loaded)
    assert offenders(loaded) == []


def imported_by(path):
    """The packages that a file names in its imports, at the top or inside functions."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_torch_numpy_pydantic_the_standard_library_and_what_it_is_allowed(name):
    path = PACKAGE.parent / Path(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    allowed = ALLOWED | {package for package, modules in OUTSIDE.items() if path.stem in modules}
    assert imported_by(path) - allowed - sys.stdlib_module_names == set()


def test_the_public_names_are_there():
    assert all(hasattr(resnet_lab, name) for name in resnet_lab.__all__)
