"""Results as files that other programs read; one format a file."""

from posenet3d.export.obj import write_obj

__all__ = ["write_obj"]
