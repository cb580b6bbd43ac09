"""Tables whose row groups are buckets: each task writes one, and the task of a bucket reads its row group of all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dqv.execute.parts import open_writer


def scatter(path: Path, table: pa.Table, bucket: Any, buckets: int) -> None:
    """Write a table by buckets, the rows of each in their order; nothing where there are no rows.

    Args:
        path: of the Parquet file.
        table: n rows.
        bucket: (n,) where each row goes, below `buckets`.
        buckets: how many there are.
    """
    if not table.num_rows:
        return
    order = np.argsort(bucket, kind="stable")
    ends = np.searchsorted(bucket[order], np.arange(buckets + 1))
    with open_writer(path, table.schema) as writer:
        for number in range(buckets):
            rows = table.take(pa.array(order[ends[number] : ends[number + 1]]))
            writer.write_table(rows, row_group_size=max(1, rows.num_rows))


def gather(paths: Sequence[str], bucket: int, schema: pa.Schema) -> pa.Table:
    """The rows of one bucket from all tables, one table behind the other."""
    return pa.concat_tables(
        [schema.empty_table(), *(pq.ParquetFile(path).read_row_group(bucket) for path in paths)]
    ).combine_chunks()
