"""Seeded bugs of what ends otherwise: cancellation, deletion, expiry; and of what all scripts share."""

from .mutation import OUTBOX, lua

UPKEEP = (
    lua(
        "a lost answer makes an image guilty",
        "common",
        "if token ~= own then",
        "if true then",
        "answer_was_lost",
    ),
    lua(
        "cancel leaves chunks due",
        "cancel",
        "if not item.leased then",
        "if false then",
        "canceled_at_once",
    ),
    lua(
        "cancel forgets chunks that were not due yet",
        "cancel",
        "settle(job, 'canceled', job.total - first)",
        "",
        "cancel_stops",
    ),
    lua(
        "a job that runs can be deleted",
        "delete",
        "if not TERMINAL[job.state] then return job.state end",
        "",
        "forgotten_whole",
    ),
    lua(
        "upkeep does not ring",
        "upkeep",
        "ring(ARGV[i], waiting, ARGV[i + 1])",
        "",
        "doorbells_are_no_more",
    ),
    lua(
        "times from before the clock was set back stay",
        "common",
        "redis.call('ZADD', list, text(limit), member)",
        "",
        "clock_was_set_back",
    ),
    lua(
        "a clock set back ends the leases of live workers",
        "common",
        "pull_back(list, now + MOST_LEASES * lease, now + lease)",
        "pull_back(list, now, now)",
        "clock_was_set_back",
    ),
    lua(
        "a clock set back delays all webhooks",
        "upkeep",
        "rewind_lane(lane)",
        "",
        "clock_was_set_back",
        OUTBOX,
    ),
    lua(
        "a tombstone stands for ever",
        "upkeep",
        "redis.call('EXPIRE', key(name), TOMBSTONE)",
        "",
        "expired_job",
    ),
    lua(
        "an expired job still counts as load",
        "upkeep",
        "add_load(job, -unread)",
        "",
        "expired_job",
    ),
)
