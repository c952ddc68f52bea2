"""What was told of jobs as they went on and ended: events, in order and once, and signed webhooks."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from .look import Look, Standing


def misordered(look: Look) -> Iterator[str]:
    """A job's events have each chunk once, with the number of images done before; then the end, once."""
    for each in look.jobs:
        entries, sizes, done = each.events, each.sizes, 0
        for event_id, event in entries[:-1] if entries and "end" in entries[-1][1] else entries:
            if "end" in event:
                yield f"events: job {each.job.id} was over at {event_id} and went on"
            elif int(event["n"]) != done:
                yield f"events: job {each.job.id}, {event_id} follows {event['n']} images, not {done}"
            done += sizes[int(event["c"])] if "c" in event else 0
        chunks = Counter(int(event["c"]) for _, event in entries if "c" in event)
        if sorted(chunks.elements()) != sorted(each.out):
            yield f"events: job {each.job.id} tells of {sum(chunks.values())} chunks of {len(each.out)}"
        ends = [event["end"] for _, event in entries if "end" in event]
        if ends != [each.hash["state"]]:
            yield f"events: job {each.job.id} is {each.hash['state']} and told its end as {ends}"
        yield from _misheard(look, each)


def _misheard(look: Look, each: Standing) -> Iterator[str]:
    ids = [event_id for event_id, _ in each.events]
    for heard in look.evidence.heard:
        if heard.id != each.job.id:
            continue
        if heard.events and list(heard.events) != ids:
            yield f"events: a follower of job {heard.id} heard {len(heard.events)} of {len(ids)} events"
        read = {i for c in each.out for i in range(each.starts[c], each.starts[c + 1])}
        if heard.images and sorted(heard.images) != sorted(read):
            twice = len(heard.images) - len(set(heard.images))
            missed = len(read - set(heard.images))
            yield f"events: a follower of job {heard.id} missed {missed} images, heard {twice} twice"
        if heard.completed != 1:
            yield f"events: a follower of job {heard.id} heard {heard.completed} times that it was over"


def untold(look: Look) -> Iterator[str]:
    """Every endpoint got a message about every job of its owner: at least once, under one id, signed."""
    for inbox in look.evidence.inboxes:
        ids: dict[str, set[str]] = defaultdict(set)
        for headers, body in inbox.messages:
            try:
                job = verified(inbox.secret, headers, body)["data"]["id"]
            except WebhookVerificationError as error:
                yield f"webhook: a message to {inbox.owner} has no good signature: {error}"
                continue
            ids[job].add(headers["webhook-id"])
        for each in look.jobs:
            if each.job.owner != inbox.owner or each.job.quiet:
                continue
            if len(ids[each.job.id]) != 1:
                number = len(ids[each.job.id])
                yield f"webhook: the end of job {each.job.id} was told under {number} ids, not one"


def verified(secret: str, headers: Mapping[str, str], body: bytes) -> Any:
    """The content of a message, whatever its age, since it is judged long after it came.

    Raises WebhookVerificationError.
    """
    sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    expected = Webhook(secret).sign(headers["webhook-id"], sent, body.decode())
    if expected not in headers["webhook-signature"].split():
        raise WebhookVerificationError("it is not signed with the secret")
    return orjson.loads(body)
