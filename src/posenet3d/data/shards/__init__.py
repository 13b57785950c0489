"""Data that outgrows memory: normalised sequences as a folder of files, read window by window.

=====================  ========================================================
``index``              what a folder holds: ``index.json``
``writing``            sequences written, one at a time
``sharded_set``        a folder as a training set
``sharded_windows``    its windows, drawn as those in memory are
``shard_files``        reading at a place of a file
``read_ahead``         the next step's windows, read while this one runs
=====================  ========================================================
"""

from posenet3d.data.shards.index import INDEX_FILE, Shard, ShardIndex, read_index
from posenet3d.data.shards.sharded_set import ShardedSet, load_shards
from posenet3d.data.shards.sharded_windows import ShardedWindows
from posenet3d.data.shards.writing import FRAMES_PER_SHARD, write_shards

__all__ = [
    "FRAMES_PER_SHARD",
    "INDEX_FILE",
    "Shard",
    "ShardIndex",
    "ShardedSet",
    "ShardedWindows",
    "load_shards",
    "read_index",
    "write_shards",
]
