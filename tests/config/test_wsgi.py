"""What the pages' server asks of SQLite beyond what every process does."""

import json
import os
import subprocess
import sys
from pathlib import Path

ASK = """
import json
from homeroom.config import wsgi
from django.db import connection
with connection.cursor() as cursor:
    mapped = cursor.execute("PRAGMA mmap_size").fetchone()[0]
print(json.dumps([mapped, connection.settings_dict["CONN_MAX_AGE"]]))
"""


def test_it_maps_the_file_and_keeps_its_connections(tmp_path: Path) -> None:
    surroundings = os.environ | {
        "DJANGO_SETTINGS_MODULE": "homeroom.config.settings",
        "HOMEROOM_DATA_DIR": str(tmp_path),
        "HOMEROOM_DATABASE_URL": f"sqlite:///{tmp_path / 'pages.sqlite3'}",
    }
    answer = subprocess.run(
        [sys.executable, "-c", ASK], env=surroundings, capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(answer.stdout.splitlines()[-1]) == [2_000_000_000, None]
