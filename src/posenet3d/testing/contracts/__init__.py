"""One check a kind of plug-in: call it on your block in your tests; it raises on a breach."""

from posenet3d.testing.contracts.body_models import check_body_model

__all__ = ["check_body_model"]
