"""The ledger's Lua scripts: the only code that changes what is stored of a job (see linking)."""

from .linking import source

__all__ = ["source"]
