"""Seeded bugs: each changes one place of the code for the worse, and the tests named must see it.

`make mutants` tries them all; tests/test_mutations.py holds that the places are there still.
"""

from dataclasses import dataclass

LEDGER = "tests/test_ledger.py"
OUTBOX = "tests/test_webhook_outbox.py"
READING = "tests/test_reading.py"
CAUTION = "tests/test_caution.py"
MODEL = "tests/test_ledger_model.py"


@dataclass(frozen=True)
class Mutation:
    """What is broken, in which file, how; the test file that must fail, and which of its tests (-k)."""

    breaks: str
    file: str
    old: str
    new: str
    test: str
    only: str = ""


def lua(breaks: str, script: str, old: str, new: str, only: str, test: str = LEDGER) -> Mutation:
    """A mutation of a script of the ledger."""
    return Mutation(breaks, f"worker/scripts/{script}.lua", old, new, test, only)


SUBMIT = (
    lua(
        "an Idempotency-Key is not stored",
        "submit",
        "redis.call('HSET', want.idempotency, 'name', name, 'fingerprint', want.fingerprint)",
        "",
        "same_submission_replays",
    ),
    lua(
        "an Idempotency-Key is never forgotten",
        "submit",
        "redis.call('PEXPIREAT', want.idempotency, expires)",
        "",
        "expires_by_itself",
    ),
    lua(
        "another body under the same key replays",
        "submit",
        "if fingerprint == want.fingerprint then",
        "if true then",
        "same_submission_replays",
    ),
    lua(
        "one image more than the cap is taken",
        "room",
        "queued + images > most then",
        "queued + images > most + 1 then",
        "caps_are_exact",
    ),
    lua(
        "one job more than the cap is taken",
        "submit",
        "open >= want.max_open",
        "open > want.max_open",
        "caps_are_exact",
    ),
    lua(
        "an accepted job is no load",
        "submit",
        "redis.call('INCRBY', 'ink:load', want.total)",
        "redis.call('INCRBY', 'ink:load', 0)",
        "caps_are_exact",
    ),
    lua(
        "the window is one chunk too large",
        "submit",
        "math.min(want.window, want.chunks)",
        "math.min(want.window + 1, want.chunks)",
        "only_a_window",
    ),
    lua(
        "the doorbell is not rung",
        "submit",
        "ring(want.model, first, doorbell)",
        "",
        "doorbells_are_no_more",
    ),
    lua(
        "a job without its images is accepted",
        "submit",
        "return {'unstaged'}",
        "break",
        "images_are_gone_is_refused",
    ),
    lua(
        "the names of images are lost",
        "submit",
        "ipairs({'in:' .. c, 'names:' .. c})",
        "ipairs({'in:' .. c})",
        "keep_their_names",
    ),
    lua(
        "images of a job stay for ever",
        "submit",
        "redis.call('PEXPIREAT', key(name, part), expires + GRACE)",
        "redis.call('PERSIST', key(name, part))",
        "expires_by_itself",
    ),
)

CLAIM = (
    lua(
        "a lease ends as it begins",
        "claim",
        "redis.call('ZADD', due_key(model, job.lane), now + lease, name",
        "redis.call('ZADD', due_key(model, job.lane), now, name",
        "renewed_lease",
    ),
    lua(
        "deliveries are not counted",
        "claim",
        "redis.call('HINCRBY', run, 'a:' .. c, 1)",
        "redis.call('HINCRBY', run, 'a:' .. c, 0) + 1",
        "comes_back_alone",
    ),
    lua(
        "all leases have the same token",
        "claim",
        "redis.call('INCR', 'ink:tokens')",
        "1",
        "lost_lease_is_not_renewed",
    ),
    lua(
        "what came back goes out among others",
        "claim",
        "if not take_redelivered() then",
        "take_redelivered()\ndo",
        "comes_back_alone",
    ),
    lua(
        "the bulk lane starves",
        "claim",
        "take_from('bulk', budget, true)",
        "take_from('bulk', budget, false)",
        "bulk_never_starves",
    ),
    lua(
        "the fast lane leaves nothing to others",
        "claim",
        "budget * 3 / 4",
        "budget",
        "overtakes_but_leaves",
    ),
    lua(
        "chunks of jobs that are over are handed out",
        "claim",
        "if not job or is_over(job) or TERMINAL[job.state] then",
        "if not job or TERMINAL[job.state] then",
        "buried_whole",
    ),
    lua(
        "a canceled job is read on",
        "claim",
        "if job.state == 'canceling' then",
        "if false then",
        "canceled_job_of_a_dead_worker",
    ),
    lua(
        "what came back waits for what is due before it",
        "claim",
        "redis.call('ZADD', lease_key(model), now + lease, name .. '#' .. c)",
        "",
        "goes_before",
    ),
    lua(
        "running images are counted twice",
        "claim",
        "if redis.call('HSET', run, 'l:' .. c, token) == 1 then",
        "redis.call('HSET', run, 'l:' .. c, token)\n  if true then",
        "",
        MODEL,
    ),
)

COMMIT = (
    lua(
        "the last to commit wins",
        "commit",
        "if standing then",
        "if false then",
        "second_commit_changes_nothing",
    ),
    lua(
        "other results pass for the same",
        "commit",
        "same_results(standing, results) and 'duplicate' or 'different'",
        "'duplicate'",
        "second_commit_changes_nothing",
    ),
    lua(
        "a zombie commits to the next job of a name",
        "commit",
        " or token <= job.born then",
        " then",
        "none_for_the_next_of_its_name",
    ),
    lua(
        "a finished job takes results",
        "commit",
        "if TERMINAL[job.state] or redis.call('HEXISTS', key(name, 'run'), 'd:' .. c) == 0 then",
        "if false then",
        "final_state_never_changes",
    ),
    lua(
        "results stay for ever",
        "commit",
        "redis.call('PEXPIREAT', out, job.expires + GRACE)",
        "",
        "expires_by_itself",
    ),
    lua(
        "kept images stay for ever",
        "commit",
        "kept, 'KEEPTTL')",
        "kept)",
        "expires_by_itself",
    ),
    lua(
        "images that were read are kept",
        "commit",
        "elseif not job.keep then",
        "elseif false then",
        "inputs_go_with_their_commit",
    ),
    lua(
        "failures are not counted",
        "commit",
        "settle(name, job, 'failed', failed)",
        "settle(name, job, 'succeeded', failed)",
        "failed_images_make",
    ),
    lua(
        "the chunk behind the window is forgotten",
        "commit",
        "make_due(name, job, job.next)",
        "",
        "events_of_a_large_job",
    ),
    lua(
        "an event says how many images are done after it",
        "commit",
        "note(name, job, 'c', c, 'n', before)",
        "note(name, job, 'c', c, 'n', before + succeeded + failed)",
        "every_chunk_and_the_end",
    ),
    lua(
        "a committed chunk stays due",
        "common",
        "redis.call('ZREM', due_key(job.model, job.lane), name .. '#' .. c)",
        "",
        "expired_job",
    ),
    lua(
        "what was read counts as running",
        "common",
        "redis.call('HINCRBY', key(name), 'running', -size(name, c))",
        "",
        "what_is_running",
    ),
    lua(
        "images that are done stay a load",
        "common",
        "  lighten(job, n)\n  stat('images_' .. field, n)",
        "  stat('images_' .. field, n)",
        "caps_are_exact",
    ),
    lua(
        "what is under way is never forgotten",
        "common",
        "redis.call('PEXPIREAT', key(name, 'run'), job.expires + BURIAL)",
        "",
        "expires_by_itself",
    ),
    lua(
        "events stay for ever",
        "common",
        "redis.call('PEXPIREAT', key(name, 'events'), job.expires + GRACE)",
        "",
        "expires_by_itself",
    ),
)

LIFE = (
    lua(
        "any worker renews any lease",
        "renew",
        "'l:' .. c) == token then",
        "'l:' .. c) then",
        "lost_lease_is_not_renewed",
    ),
    lua(
        "renewing does not prolong",
        "renew",
        "redis.call('ZADD', due_key(place[1], place[2]), 'XX', now + lease",
        "redis.call('ZADD', due_key(place[1], place[2]), 'XX', now",
        "renewed_lease",
    ),
    lua(
        "a lost lease is given back",
        "release",
        "'l:' .. c) ~= token then",
        "'l:' .. c) == nil then",
        "cannot_be_given_back",
    ),
    lua(
        "a chunk given back counts as delivered",
        "release",
        "redis.call('HINCRBY', run, 'a:' .. c, -1)",
        "",
        "released_claim",
    ),
    lua(
        "a chunk given back waits for its lease",
        "release",
        "redis.call('ZADD', due_key(job.model, job.lane), 'XX', now, name",
        "redis.call('ZADD', due_key(job.model, job.lane), 'XX', now + 300, name",
        "released_claim",
    ),
    lua(
        "nobody is suspected",
        "suspect",
        "redis.call('HSET', suspects, what, (touched + 1) .. ' by ' .. token)",
        "",
        "counted_and_cleared",
    ),
    lua(
        "whoever survived stays suspect",
        "suspect",
        "if ARGV[5] then",
        "if false then",
        "counted_and_cleared",
    ),
    lua(
        "a lost answer makes an image guilty",
        "suspect",
        "if by == token then return touched - 1 end",
        "",
        "answer_was_lost",
    ),
    lua(
        "a zombie raises suspicion",
        "suspect",
        "'l:' .. c) ~= token then return 0 end",
        "'l:' .. c) == token .. '!' then return 0 end",
        "raises_no_suspicion",
    ),
    lua(
        "cancel leaves chunks due",
        "cancel",
        "if not item.leased then",
        "if false then",
        "canceled_at_once",
    ),
    lua(
        "cancel forgets what was not due yet",
        "cancel",
        "settle(name, job, 'canceled', job.total - first)",
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
        "results outlive their job",
        "ending",
        "key(name, 'starts'), key(name, 'out'), key(name, 'run')",
        "key(name, 'starts'), key(name, 'run')",
        "forgotten_whole",
    ),
    lua(
        "an owner's finished jobs count as unfinished",
        "ending",
        "redis.call('HINCRBY', 'ink:open', job.owner, -1)",
        "",
        "",
        MODEL,
    ),
    lua(
        "a finished job stays in line",
        "ending",
        "redis.call('ZREM', 'ink:line:' .. job.model .. ':' .. job.lane, name)",
        "",
        "buried_whole",
    ),
    lua(
        "a job's end is not noted",
        "ending",
        "note(name, job, 'end', state)",
        "",
        "every_chunk_and_the_end",
    ),
    lua(
        "an owner is not told",
        "ending",
        "tell_owner(name, job, state)",
        "",
        "every_end_is_told",
        OUTBOX,
    ),
    lua(
        "a follower hears its last event again",
        "follow",
        "'(' .. ARGV[2]",
        "ARGV[2]",
        "events_of_a_large_job",
    ),
    lua(
        "an image that is not read is corrected",
        "correct",
        "return 'pending'",
        "break",
        "all_or_nothing",
        "tests/test_corrections.py",
    ),
    lua(
        "upkeep does not ring",
        "upkeep",
        "ring(ARGV[i], waiting, ARGV[i + 1])",
        "",
        "doorbells_are_no_more",
    ),
    lua(
        "a tombstone stands for ever",
        "upkeep",
        "redis.call('EXPIRE', key(name), TOMBSTONE)",
        "",
        "expired_job",
    ),
    lua(
        "an expired job stays a load",
        "upkeep",
        "lighten(job, job.total - job.succeeded - job.failed - job.canceled)",
        "",
        "expired_job",
    ),
)

WEBHOOKS = (
    lua(
        "a webhook is handed out twice",
        "dispatch",
        "redis.call('ZADD', 'ink:outbox:' .. lane, now + lease, id)",
        "",
        "handed_to_nobody_else",
        OUTBOX,
    ),
    lua(
        "a sender that is late decides",
        "conclude",
        "delivery.token ~= token and outcome ~= 'delivered'",
        "false",
        "lease_keeps_others",
        OUTBOX,
    ),
    lua(
        "a receiver that is gone is asked again",
        "conclude",
        "disable_hook(delivery, 'the receiver answered 410 Gone')",
        "",
        "gone_ends_it",
        OUTBOX,
    ),
    lua(
        "a webhook that failed is not tried again",
        "conclude",
        "redis.call('ZADD', lane, due, id)",
        "redis.call('ZREM', lane, id)",
        "schedule_is_that",
        OUTBOX,
    ),
    lua(
        "deliveries stay for ever",
        "outbox",
        "redis.call('PEXPIRE', delivery_key(id), ms)",
        "",
        "expires_by_itself",
        OUTBOX,
    ),
    lua(
        "a quiet job is told to all",
        "outbox",
        "if quiet ~= '1' then",
        "if true then",
        "quiet_job",
        OUTBOX,
    ),
)

PYTHON = (
    Mutation(
        "what is staged stays for ever",
        "worker/scripts/stage.lua",
        "ARGV[i + 1], 'EX', seconds)",
        "ARGV[i + 1])",
        LEDGER,
        "what_is_staged",
    ),
    Mutation(
        "what is staged goes while it is uploaded",
        "worker/entrance.py",
        "STAGED_S = 900",
        "STAGED_S = 9",
        LEDGER,
        "what_is_staged",
    ),
    Mutation(
        "what is refused stays staged",
        "api/staging.py",
        "if not images.taken:",
        "if images.taken:",
        "tests/test_staging.py",
    ),
    Mutation(
        "a job is anybody's",
        "worker/keys.py",
        'return f"{owner}/{job_id}"',
        'return f"anonymous/{job_id}"',
        LEDGER,
        "another_owner",
    ),
    Mutation(
        "the gateway forgets the Idempotency-Key",
        "api/submission.py",
        "idempotency=keys.idempotency(owner, key) if key else None",
        "idempotency=None",
        "tests/test_routes.py",
        "idempotency_key_makes",
    ),
    Mutation(
        "a refusal does not say when to come back",
        "api/problems.py",
        "if retry_after else {}",
        "if False else {}",
        "tests/test_limits.py",
        "limits_are_exact",
    ),
    Mutation(
        "a retry loses the names",
        "api/retrying.py",
        "NamedImage(name, image)",
        'NamedImage("image", image)',
        "tests/test_routes.py",
        "only_the_failed",
    ),
    Mutation(
        "leases are not renewed",
        "worker/leases.py",
        "self._ledger.renew(held)",
        "self._ledger.renew(())",
        "tests/test_leases.py",
        "outlast_their_time",
    ),
    Mutation(
        "a worker that hangs holds its chunks for ever",
        "worker/leases.py",
        "> self._stall_s:",
        "< 0:",
        "tests/test_leases.py",
        "stands_still",
    ),
    Mutation(
        "the pulse does not beat",
        "worker/pulse.py",
        "self._beat()",
        "pass",
        "tests/test_pulse.py",
    ),
    Mutation(
        "the pulse ends with the first lost link",
        "worker/pulse.py",
        "except redis.RedisError as error:",
        "except ValueError as error:",
        "tests/test_pulse.py",
    ),
    Mutation(
        "upkeep does not run",
        "worker/upkeep.py",
        "self._ledger.upkeep(self._models)",
        "pass",
        "tests/test_upkeep.py",
    ),
    Mutation(
        "another killer clears a known one",
        "worker/caution.py",
        "if deaths < self._most:\n",
        "self._over.append(str(index))\n        if deaths < self._most:\n",
        CAUTION,
        "several_killers",
    ),
    Mutation(
        "one death too many",
        "worker/caution.py",
        "self._most = deaths - 1",
        "self._most = deaths",
        CAUTION,
        "several_killers",
    ),
    Mutation(
        "charsets are not masked",
        "worker/reading.py",
        "self.predictor.card, self._allowed(options)",
        "self.predictor.card, list(range(len(self.predictor.card.labels)))",
        READING,
        "own_options",
    ),
    Mutation(
        "what was read is kept, what failed is not",
        "worker/preparation.py",
        'file if isinstance(each, Failure) else b""',
        'b"" if isinstance(each, Failure) else file',
        READING,
        "only_failed_images",
    ),
    Mutation(
        "why an image failed is mixed up",
        "worker/packing.py",
        "FAILURES.index(result.type)",
        "1",
        "tests/test_packing.py",
        "come_back_equal",
    ),
    Mutation(
        "files of a chunk are cut a byte off",
        "worker/chunks.py",
        "data[end - length : end]",
        "data[end - length + 1 : end]",
        "tests/test_chunks.py",
        "files_come_back",
    ),
    Mutation(
        "a chunk's neighbour is taken for it",
        "worker/store.py",
        "bisect_right(starts, index) - 1",
        "bisect_right(starts, index + 1) - 1",
        LEDGER,
        "keep_their_names",
    ),
    Mutation(
        "a Redis that may lose jobs is taken",
        "worker/safety.py",
        "if found.get(name) != wanted}",
        "if False}",
        "tests/test_unsafe_redis.py",
        "could_lose",
    ),
)

MUTATIONS = (*SUBMIT, *CLAIM, *COMMIT, *LIFE, *WEBHOOKS, *PYTHON)
