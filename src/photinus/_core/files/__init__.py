"""Reading and writing files: the one door to the disk.

What is written is there whole or not at all. It replaces nothing that it was not asked to replace, and
leaves links, modes and pipes as they are. What is read may be anything: a result or one sentence.
"""

from photinus._core.files.arrays import read_npz, write_npz
from photinus._core.files.disk import read_bytes, read_input, write_bytes, write_text
from photinus._core.files.documents import (
    NOT_TEXT,
    check_document,
    check_schema,
    labels_from_json,
    labels_to_json,
    parse_json,
    parse_toml,
    read_json,
    reading,
    to_json,
    write_json,
)
from photinus._core.files.folders import (
    check_folder,
    check_results,
    fresh_folder,
    make_folder,
    new_folder,
    remove_folder,
    results_folder,
    sync_folder,
)
from photinus._core.files.kinds import SCHEMAS, stamp
from photinus._core.files.paths import (
    beside,
    check_all,
    check_new,
    is_stream,
    named,
    reason,
    unwritable,
    writing,
)

__all__ = [
    "NOT_TEXT",
    "SCHEMAS",
    "beside",
    "check_all",
    "check_document",
    "check_folder",
    "check_new",
    "check_results",
    "check_schema",
    "fresh_folder",
    "is_stream",
    "labels_from_json",
    "labels_to_json",
    "make_folder",
    "named",
    "new_folder",
    "parse_json",
    "parse_toml",
    "read_bytes",
    "read_input",
    "read_json",
    "read_npz",
    "reading",
    "reason",
    "remove_folder",
    "results_folder",
    "stamp",
    "sync_folder",
    "to_json",
    "unwritable",
    "write_bytes",
    "write_json",
    "write_npz",
    "write_text",
    "writing",
]
