"""Everything that the ledger holds, read in one step, as plain values."""

from dataclasses import dataclass
from typing import Any

import redis

READ = """
local answer = {}
for _, key in ipairs(redis.call('KEYS', 'ink:*')) do
  local kind = redis.call('TYPE', key).ok
  local value
  if kind == 'string' then value = redis.call('GET', key) end
  if kind == 'hash' then value = redis.call('HGETALL', key) end
  if kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
  if kind == 'list' then value = redis.call('LRANGE', key, 0, -1) end
  if kind == 'stream' then value = redis.call('XRANGE', key, '-', '+') end
  answer[#answer + 1] = {key, kind, redis.call('PTTL', key), value}
end
return answer
"""


@dataclass(frozen=True)
class Snapshot:
    """Keys with their values, and how long each lives (ms; -1: for ever)."""

    values: dict[str, Any]
    lives: dict[str, int]

    @classmethod
    def take(cls, client: "redis.Redis") -> "Snapshot":
        """What `client` holds now."""
        rows: Any = client.eval(READ, 0)
        keys = [key.decode() for key, _, _, _ in rows]
        read = [_value(kind, value) for _, kind, _, value in rows]
        lives = [life for _, _, life, _ in rows]
        return cls(dict(zip(keys, read, strict=True)), dict(zip(keys, lives, strict=True)))

    def hash(self, key: str) -> dict[str, bytes]:
        """A hash; empty if it is not there."""
        return self.values.get(key, {})

    def scores(self, key: str) -> dict[str, float]:
        """A sorted set's members with their scores; empty if it is not there."""
        return self.values.get(key, {})

    def number(self, key: str) -> int:
        """A counter; 0 if it is not there."""
        return int(self.values.get(key, 0))


def _value(kind: bytes, value: Any) -> Any:
    if kind == b"hash":
        return {k.decode(): v for k, v in zip(value[::2], value[1::2], strict=True)}
    if kind == b"zset":
        return {k.decode(): float(v) for k, v in zip(value[::2], value[1::2], strict=True)}
    if kind == b"stream":
        return [(i.decode(), dict(zip(f[::2], f[1::2], strict=True))) for i, f in value]
    return value
