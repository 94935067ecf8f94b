"""What a workspace, a file and a document may weigh: far above what people write, well below what hurts."""

from __future__ import annotations

MIB = 1024 * 1024

FILE_LIMIT_BYTES = 4 * MIB
DOCUMENT_LIMIT_CHARACTERS = MIB
FILES_LIMIT = 100_000
DOCUMENTS_PER_FILE_LIMIT = 10_000
MISTAKES_PER_FILE_LIMIT = 100
DEPTH_LIMIT = 64
NODES_LIMIT = 100_000
