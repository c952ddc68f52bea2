"""The outbox on a real Redis: once for every job's end, leased, limited, on schedule."""

import json
import time
from base64 import b64decode
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
import redis

from worker.connections.connection import clock_ms
from worker.ledger import keys
from worker.ledger.doorbell import sender_message
from worker.ledger.gauges import Gauges, Outgoing
from worker.ledger.scripts import source
from worker.retry_after import retry_after_s
from worker.settings import SenderSettings
from worker.webhooks.deliveries import Deliveries, Delivery
from worker.webhooks.endpoints import Endpoint, Endpoints, SecretsOverlap
from worker.webhooks.events import Event
from worker.webhooks.outbox import DeliveryClaim, Limits, Outbox, Outcome
from worker.webhooks.schedule import delay_s, parse_schedule
from worker.webhooks.signing import new_secret

from ledgers import finish, in_store, ledger, on_redis, pass_over, read_stats, submit, wait_out_lease

pytestmark = pytest.mark.usefixtures("clean_redis")

LIMITS = Limits(lease_ms=10_000, per_endpoint=3, per_caller=5, attempts=10)
ONE_AT_A_TIME = replace(LIMITS, lease_ms=600_000, per_caller=1)
GOOD = Outcome(0.1, status=200)
BAD = Outcome(0.1, status=500)
OWNER = "anonymous"
DAY_S = 86_400


def register(url: str, *events: Event, owner: str = OWNER) -> str:
    """The id of a new endpoint."""

    async def work(client: Any) -> Any:
        where = "https://example.org/hook"
        return await Endpoints(client).create(owner, where, events or tuple(Event), "", 20)

    hook, _ = on_redis(url, work)
    return str(hook)


def outgoing(url: str) -> Outgoing:
    return on_redis(url, lambda client: Gauges(client).outgoing())


def find(url: str, hook: str) -> Endpoint:
    found = on_redis(url, lambda client: Endpoints(client).find(OWNER, hook))
    assert found
    return found


def amend(redis_url: str, hook: str, **changes: Any) -> None:
    assert on_redis(redis_url, lambda client: Endpoints(client).amend(OWNER, hook, changes))


def claim(url: str, room: int = 100, limits: Limits = LIMITS) -> list[DeliveryClaim]:
    return on_redis(url, lambda client: Outbox(client, limits).claim(room))


def conclude(url: str, claimed: DeliveryClaim, outcome: Outcome, delay: float = 0) -> str:
    return on_redis(url, lambda client: Outbox(client, LIMITS).conclude(claimed, outcome, delay))


def of_job(url: str, job: str, owner: str = OWNER) -> list[Delivery]:
    return on_redis(url, lambda client: Deliveries(client).of_job(f"{owner}/{job}", 100))


def of_hook(url: str, hook: str, most: int) -> list[Delivery]:
    return on_redis(url, lambda client: Deliveries(client).of_hook(OWNER, hook, most))


def redeliver(url: str, job: str, delivery: str) -> str:
    return on_redis(url, lambda client: Deliveries(client).redeliver(f"{OWNER}/{job}", delivery))


def end(url: str, *jobs: str, owner: str = OWNER) -> None:
    """Jobs that succeed."""
    for job in jobs:
        submit(url, job, (1,), owner=owner)
    finish(url)


def make_due(client: "redis.Redis") -> None:
    """Move the clock, as far as the outbox knows: whatever waits is due now."""
    for lane, _ in client.zscan_iter("ink:outbox"):
        for delivery, _ in client.zscan_iter(b"ink:outbox:" + lane):
            client.zadd(b"ink:outbox:" + lane, {delivery: 0})
        client.zadd("ink:outbox", {lane: 0})


def test_every_end_is_told_once_and_by_its_name(redis_url: str, clean_redis: "redis.Redis") -> None:
    register(redis_url)
    end(redis_url, "good")
    submit(redis_url, "stopped", (2, 2))
    in_store(redis_url, lambda store: store.cancel(f"{OWNER}/stopped"))
    in_store(redis_url, lambda store: store.cancel(f"{OWNER}/stopped"))
    submit(redis_url, "late", (2, 2), ttl_s=1)
    ledger(redis_url).claim("balanced", 2)
    wait_out_lease(clean_redis)
    for _ in range(2):
        ledger(redis_url).upkeep(["balanced"])
    told = [json.loads(each.event) for each in claim(redis_url)]
    assert [(each["id"], each["type"], each["state"]) for each in told] == [
        ("good", "job.completed", "succeeded"),
        ("stopped", "job.canceled", "canceled"),
        ("late", "job.expired", "expired"),
    ]
    for each in told:
        counts = each["counts"]
        assert counts.pop("total") == sum(counts.values())
    assert read_stats(redis_url)["webhooks_created"] == 3


def test_a_finished_job_that_expires_is_not_told_of_again(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    register(redis_url)
    submit(redis_url, "a", (1,), ttl_s=1)
    finish(redis_url)
    pass_over(clean_redis, 2)
    assert ledger(redis_url).upkeep(["balanced"]) == 1
    (delivery,) = of_job(redis_url, "a")
    assert delivery.type == "job.completed"


def test_nobody_hears_of_what_is_not_theirs_or_not_wanted(redis_url: str) -> None:
    register(redis_url, Event.FAILED, Event.CANCELED)
    register(redis_url, owner="other")
    disabled = register(redis_url)
    amend(redis_url, disabled, enabled=False)
    end(redis_url, "a")
    assert claim(redis_url) == []


def test_a_quiet_job_tells_its_callback_only(redis_url: str) -> None:
    register(redis_url)
    url = "https://hooks.example.org/a"
    assert submit(redis_url, "a", (1,), callback_url=url, quiet=True).kind == "unsigned"
    on_redis(redis_url, lambda client: Endpoints(client).rotate(OWNER, "callback", 0))
    assert submit(redis_url, "a", (1,), callback_url=url, quiet=True).kind == "new"
    finish(redis_url)
    (claimed,) = claim(redis_url)
    assert (claimed.url, len(claimed.secrets)) == (url, 1)


def test_a_lease_keeps_others_away_until_it_runs_out(redis_url: str, clean_redis: "redis.Redis") -> None:
    register(redis_url)
    end(redis_url, "a")
    (first,) = claim(redis_url)
    assert claim(redis_url) == []
    pass_over(clean_redis, 11)
    (second,) = claim(redis_url)
    assert (second.id, second.attempt) == (first.id, 2)
    assert conclude(redis_url, first, BAD) == "lost"  # too late; another has it
    assert conclude(redis_url, second, GOOD) == "delivered"
    assert conclude(redis_url, first, GOOD) == "settled"
    (delivery,) = of_job(redis_url, "a")
    assert [each.error for each in delivery.attempts] == ["the sender was lost meanwhile", None]


def test_what_is_under_way_is_handed_to_nobody_else(redis_url: str) -> None:
    register(redis_url)
    end(redis_url, "a")
    assert len(claim(redis_url)) == 1
    time.sleep(0.3)  # a lane that had more is looked at again
    assert claim(redis_url) == []


def test_what_arrived_counts_even_if_the_lease_is_lost(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    register(redis_url)
    end(redis_url, "a")
    (first,) = claim(redis_url)
    pass_over(clean_redis, 11)
    (second,) = claim(redis_url)
    assert conclude(redis_url, first, GOOD) == "delivered"
    assert conclude(redis_url, second, BAD) == "settled"
    assert of_job(redis_url, "a")[0].state == "delivered"


def test_a_receiver_and_a_caller_have_only_so_many_under_way(redis_url: str) -> None:
    first, second = register(redis_url), register(redis_url)
    register(redis_url, owner="other")
    end(redis_url, *(f"job{number}" for number in range(8)))
    end(redis_url, "theirs", owner="other")
    claims = claim(redis_url)
    lanes = [of_lane(redis_url, each) for each in claims]
    assert sorted(map(lanes.count, {first, second})) == [2, 3]
    assert len(claims) == 6  # five of one caller, and the other is not held up
    assert claim(redis_url) == []
    mine = next(each for each, lane in zip(claims, lanes, strict=True) if lane == first)
    conclude(redis_url, mine, GOOD)
    time.sleep(0.3)  # a blocked lane is looked at again
    assert len(claim(redis_url)) >= 1


def test_what_a_lost_sender_had_under_way_is_sent_a_lease_after_the_clock_was_set_back(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    register(redis_url, "job.completed")
    end(redis_url, *"abc")
    late, *lost = claim(redis_url)
    conclude(redis_url, late, BAD, delay=600)  # it waits for another attempt, and is no sender's
    pass_over(clean_redis, -3600)
    for _ in range(2):  # the first look gives what is under way one more lease
        ledger(redis_url).upkeep([])
        assert claim(redis_url) == []
    pass_over(clean_redis, LIMITS.lease_ms // 1000)
    ledger(redis_url).upkeep([])
    again = claim(redis_url)
    assert {each.id for each in again} == {each.id for each in lost}
    assert {each.attempt for each in again} == {2}


def test_what_a_lost_sender_had_under_way_is_found_among_many_that_wait(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    lane = f"ink:outbox:{OWNER}/{register(redis_url)}"
    end(redis_url, *"abc")
    lost = claim(redis_url)
    clean_redis.zadd(lane, {f"older {number}": 0 for number in range(50_000)})
    pass_over(clean_redis, -3600)
    ledger(redis_url).upkeep([])
    ends = [clean_redis.zscore(lane, each.id) for each in lost]
    assert len(ends) == 3
    assert all(end and end <= clock_ms(clean_redis) + LIMITS.lease_ms for end in ends)


def test_a_lane_that_waited_for_its_owners_limit_goes_on_though_the_clock_was_set_back(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    for _ in range(2):
        register(redis_url, "job.completed")
    end(redis_url, "a")
    pass_over(clean_redis, 7200)
    (first,) = claim(redis_url, limits=ONE_AT_A_TIME)
    pass_over(clean_redis, -3600)
    conclude(redis_url, first, GOOD)
    ledger(redis_url).upkeep([])
    assert len(claim(redis_url, limits=ONE_AT_A_TIME)) == 1


def test_what_nobody_has_taken_is_sent_at_once_though_the_clock_was_set_back(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    register(redis_url)
    end(redis_url, *"abc")
    pass_over(clean_redis, -3600)
    assert claim(redis_url) == []
    ledger(redis_url).upkeep([])
    assert clean_redis.llen("webhooks") == 1  # a sender is rung for
    assert [each.attempt for each in claim(redis_url)] == [1, 1, 1]


def test_what_failed_is_tried_again_in_time_though_the_clock_was_set_back(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    register(redis_url)
    end(redis_url, *"ab")
    soon, late = claim(redis_url)
    conclude(redis_url, soon, BAD, delay=5)
    conclude(redis_url, late, BAD, delay=3600)
    pass_over(clean_redis, -1800)
    for _ in range(3):
        ledger(redis_url).upkeep([])
        assert claim(redis_url) == []
    pass_over(clean_redis, 6)
    assert [each.id for each in claim(redis_url)] == [soon.id]
    pass_over(clean_redis, 3600)
    assert late.id in {each.id for each in claim(redis_url)}


def test_what_is_on_its_way_wakes_nobody(redis_url: str, clean_redis: "redis.Redis") -> None:
    register(redis_url)
    end(redis_url, "a")
    assert len(claim(redis_url)) == 1
    before = clean_redis.zrange("ink:outbox", 0, -1, withscores=True)
    ledger(redis_url).upkeep([])
    assert clean_redis.zrange("ink:outbox", 0, -1, withscores=True) == before


def test_a_host_is_one_receiver_however_it_is_spelt(redis_url: str) -> None:
    on_redis(redis_url, lambda client: Endpoints(client).rotate(OWNER, "callback", 0))
    hosts = ("example.org", "Example.org", "EXAMPLE.ORG", "example.org:443", "example.org:0443")
    for number, host in enumerate(hosts):
        submit(redis_url, f"job{number}", (1,), callback_url=f"https://{host}/Hook")
    finish(redis_url)
    claims = claim(redis_url)
    assert len(claims) == LIMITS.per_endpoint
    assert {each.url.rpartition("/")[2] for each in claims} == {"Hook"}


def of_lane(url: str, claimed: DeliveryClaim) -> str:
    found = on_redis(url, lambda client: Deliveries(client).find(claimed.id))
    assert found
    return found.hook


def test_many_that_wait_for_a_full_lane_hide_nobody(redis_url: str) -> None:
    register(redis_url)
    end(redis_url, *(f"job{number}" for number in range(40)))
    assert len(claim(redis_url)) == 3
    register(redis_url, owner="other")
    end(redis_url, "theirs", owner="other")
    (theirs,) = claim(redis_url)
    assert json.loads(theirs.event)["id"] == "theirs"


def add_lanes(client: "redis.Redis", number: int) -> None:
    """Lanes of OWNER, each with something that has been due for long."""
    with client.pipeline() as many:
        for each in range(number):
            lane = f"{OWNER}/callback@{each}.example.org"
            many.zadd("ink:outbox", {lane: 0})
            many.zadd(f"ink:outbox:{lane}", {"a delivery": 0})
        many.execute()


def due_lanes(client: "redis.Redis") -> int:
    return int(client.zcount("ink:outbox", "-inf", clock_ms(client)))


def test_many_lanes_of_an_owner_at_its_limit_hide_nobody(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    register(redis_url)
    end(redis_url, "a")
    assert len(claim(redis_url, limits=ONE_AT_A_TIME)) == 1
    add_lanes(clean_redis, 1500)
    register(redis_url, owner="other")
    end(redis_url, "theirs", owner="other")
    (theirs,) = claim(redis_url, limits=ONE_AT_A_TIME)
    assert json.loads(theirs.event)["id"] == "theirs"


def test_many_lanes_put_aside_hide_nobody_one_lease_later(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    register(redis_url)
    end(redis_url, "a")
    assert len(claim(redis_url, limits=ONE_AT_A_TIME)) == 1
    add_lanes(clean_redis, 3000)
    for _ in range(2):
        assert claim(redis_url, limits=ONE_AT_A_TIME) == []
    assert due_lanes(clean_redis) == 0
    pass_over(clean_redis, 601)
    assert due_lanes(clean_redis) <= 2  # the one whose lease is over, and the first that waits


def test_lanes_put_aside_keep_their_places_whatever_comes(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    for _ in range(10):
        register(redis_url)
    end(redis_url, "a")
    assert len(claim(redis_url, limits=ONE_AT_A_TIME)) == 1
    end(redis_url, "b")
    assert due_lanes(clean_redis) <= 2
    assert claim(redis_url, limits=ONE_AT_A_TIME) == []
    assert due_lanes(clean_redis) == 0
    end(redis_url, "c")
    ledger(redis_url).upkeep([])
    assert due_lanes(clean_redis) == 1  # one is looked at, in case that none would be


def test_a_lost_sender_holds_up_the_lanes_put_aside_for_one_lease(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    hooks = {register(redis_url) for _ in range(5)}
    end(redis_url, *"ab")
    for _ in range(3):  # the first lanes are done soon, and wait again, behind the others
        (claimed,) = claim(redis_url, limits=ONE_AT_A_TIME)
        conclude(redis_url, claimed, GOOD)
    seen = set()
    for _ in hooks:
        (lost,) = claim(redis_url, limits=ONE_AT_A_TIME)
        seen.add(of_lane(redis_url, lost))
        pass_over(clean_redis, 1)
        assert claim(redis_url, limits=ONE_AT_A_TIME) == []
        pass_over(clean_redis, 600)
    assert seen == hooks


def test_lanes_put_aside_go_on_though_the_senders_were_lost_and_the_clock_was_set_back(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    for _ in range(3):
        register(redis_url)
    end(redis_url, *"ab")
    assert len(claim(redis_url, limits=ONE_AT_A_TIME)) == 1
    assert claim(redis_url, limits=ONE_AT_A_TIME) == []
    pass_over(clean_redis, -86_400)
    ledger(redis_url).upkeep([])
    assert claim(redis_url, limits=ONE_AT_A_TIME) == []
    pass_over(clean_redis, 601)
    assert len(claim(redis_url, limits=ONE_AT_A_TIME)) == 1


def test_lanes_that_have_nothing_to_send_any_more_hold_up_none_of_those_put_aside(
    redis_url: str,
) -> None:
    hooks = [register(redis_url) for _ in range(6)]
    end(redis_url, "a")
    (first,) = claim(redis_url, limits=ONE_AT_A_TIME)
    others = [each for each in hooks if each != of_lane(redis_url, first)]
    for hook in others[:-1]:
        on_redis(redis_url, lambda client, hook=hook: Endpoints(client).delete(OWNER, hook))
    conclude(redis_url, first, GOOD)
    (last,) = claim(redis_url, limits=ONE_AT_A_TIME)
    assert of_lane(redis_url, last) == others[-1]


def test_lanes_that_wait_for_their_owners_limit_take_turns(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    hooks = {register(redis_url) for _ in range(4)}
    end(redis_url, *"abc")
    turns = []
    for _ in range(12):
        (claimed,) = claim(redis_url, limits=ONE_AT_A_TIME)
        assert claim(redis_url, limits=ONE_AT_A_TIME) == []
        conclude(redis_url, claimed, GOOD)
        turns.append(of_lane(redis_url, claimed))
    assert {*turns[:4]} == hooks
    assert turns == 3 * turns[:4]
    assert claim(redis_url) == []
    assert clean_redis.keys("ink:aside*") == []


def test_a_lane_whose_turn_is_forgotten_goes_on_when_the_leases_before_it_end(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    for _ in range(3):
        register(redis_url)
    end(redis_url, "a")
    (lost,) = claim(redis_url, limits=ONE_AT_A_TIME)
    clean_redis.delete(*clean_redis.keys("ink:aside*"))
    pass_over(clean_redis, 601)
    first = claim(redis_url)
    assert {each.id: each.attempt for each in first}.get(lost.id) == 2
    pass_over(clean_redis, 600)
    claimed = {each.id for each in (*first, *claim(redis_url))}
    assert len(claimed) == 3


def test_what_is_to_be_sent_and_who_sends_is_known(redis_url: str, clean_redis: "redis.Redis") -> None:
    assert outgoing(redis_url) == Outgoing(0, 0, None)
    for owner in ("a", "b"):
        register(redis_url, owner=owner)
        end(redis_url, "one", "two", owner=owner)
    time.sleep(0.05)
    seen = outgoing(redis_url)
    assert (seen.senders, seen.waiting) == (0, 4)
    assert seen.oldest_s is not None
    assert 0.05 <= seen.oldest_s < 5
    clean_redis.zadd(keys.SENDERS, {"sender": 1000 * time.time()})
    assert len(claim(redis_url)) == 4  # under way, they are not sent yet, and not due
    assert outgoing(redis_url) == Outgoing(1, 4, None)


def test_the_schedule_is_that_of_the_standard(redis_url: str, clean_redis: "redis.Redis") -> None:
    schedule = parse_schedule(SenderSettings().webhook_schedule_s)
    hours = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]
    assert [each / 3600 for each in schedule] == pytest.approx(hours)
    hook = register(redis_url)
    end(redis_url, "a")
    ids = set()
    for number, planned in enumerate([*schedule, None], 1):
        (claimed,) = claim(redis_url)
        ids.add(claimed.id)
        assert claimed.attempt == number
        delay, before = delay_s(schedule, number, None), time.time()
        state = conclude(redis_url, claimed, BAD, delay)
        after = time.time()
        if planned is None:
            assert state == "failed"
            break
        (delivery,) = of_job(redis_url, "a")
        assert delivery.due is not None
        due = delivery.due / 1000
        assert before + 0.9 * planned - 0.01 < due < after + 1.1 * planned + 0.01
        assert claim(redis_url) == []
        assert clean_redis.pttl(f"ink:delivery:{claimed.id}") / 1000 > due - time.time()
        make_due(clean_redis)
    assert len(ids) == 1
    (delivery,) = of_job(redis_url, "a")
    assert [each.status for each in delivery.attempts] == [500] * 10
    assert find(redis_url, hook).reason == "no delivery arrived for as long as the schedule lasts"
    assert clean_redis.zcard("ink:outbox") == 0


def test_an_endpoint_where_others_arrive_is_not_given_up(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    hook = register(redis_url)
    end(redis_url, "unlucky")
    for _ in range(9):
        conclude(redis_url, claim(redis_url)[0], BAD)
        make_due(clean_redis)
    (last,) = claim(redis_url)
    end(redis_url, "lucky")
    (lucky,) = claim(redis_url)
    conclude(redis_url, lucky, GOOD)
    assert conclude(redis_url, last, BAD) == "failed"
    assert find(redis_url, hook).enabled


def test_any_status_of_success_will_do_and_no_other() -> None:
    statuses = (None, 100, 199, 200, 204, 299, 300, 410, 500)
    assert [each for each in statuses if Outcome(0.0, each).delivered] == [200, 204, 299]
    assert [each for each in statuses if Outcome(0.0, each).gone] == [410]


def test_a_secret_is_as_long_as_what_it_signs_with() -> None:
    prefix, text = new_secret()[:6], new_secret()[6:]
    assert (prefix, len(b64decode(text, validate=True))) == ("whsec_", 32)


def test_jitter_and_what_a_receiver_asks_for() -> None:
    schedule = (5.0, 300.0)
    drawn = {delay_s(schedule, 1, None) for _ in range(200)}
    assert len(drawn) > 150
    assert 4.5 <= min(drawn) < 5 < max(drawn) <= 5.5
    assert delay_s(schedule, 1, "60") == 60
    assert delay_s(schedule, 2, "1") >= 270
    assert delay_s(schedule, 1, "99999999999") == 86_400
    there = datetime.now(timezone(timedelta(hours=5))) + timedelta(minutes=30)
    assert 1790 <= delay_s(schedule, 1, format_datetime(there)) <= 1800
    assert retry_after_s("Fri, 31 Dec 1999 23:59:59 GMT") == 0
    assert 86_000 <= delay_s(schedule, 1, "Fri, 31 Dec 2100 23:59:59 GMT") <= 86_400
    beyond = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    for nonsense in ("", "-1", "soon", "1e9", "٣", "Wed, 21 Oct 2015 07:28:00 GMT", beyond):
        assert delay_s(schedule, 1, nonsense) <= 5.5, nonsense


def test_gone_ends_it_and_the_endpoint(redis_url: str) -> None:
    hook = register(redis_url)
    end(redis_url, "a", "b")
    first, second = claim(redis_url)
    assert conclude(redis_url, first, Outcome(0.1, status=410)) == "failed"
    assert not find(redis_url, hook).enabled
    assert conclude(redis_url, second, BAD) == "pending"
    assert claim(redis_url) == []
    other = json.loads(second.event)["id"]  # of one millisecond, they may come in either order
    assert of_job(redis_url, other)[0].reason == (
        "the endpoint is disabled: the receiver answered 410 Gone"
    )


def test_what_is_for_a_deleted_endpoint_fails_and_is_listed(redis_url: str) -> None:
    hook = register(redis_url)
    end(redis_url, "a")
    assert on_redis(redis_url, lambda client: Endpoints(client).delete(OWNER, hook))
    assert claim(redis_url) == []
    (delivery,) = of_job(redis_url, "a")
    assert (delivery.state, delivery.reason) == ("failed", "the endpoint was deleted")
    assert redeliver(redis_url, "a", delivery.id) == "deleted"


def test_once_more_is_from_the_beginning_under_the_same_id(redis_url: str) -> None:
    hook = register(redis_url)
    end(redis_url, "a")
    (first,) = claim(redis_url)
    assert redeliver(redis_url, "a", first.id) == "sending"
    assert redeliver(redis_url, "b", first.id) == "missing"
    conclude(redis_url, first, GOOD)
    amend(redis_url, hook, url="https://new.example.org/")
    assert redeliver(redis_url, "a", first.id) == "pending"
    (again,) = claim(redis_url)
    assert (again.id, again.attempt, again.url) == (first.id, 1, "https://new.example.org/")
    assert again.event == first.event


def test_what_is_given_back_is_due_and_not_counted(redis_url: str) -> None:
    register(redis_url)
    end(redis_url, "a")
    (first,) = claim(redis_url)
    on_redis(redis_url, lambda client: Outbox(client, LIMITS).release(first))
    (again,) = claim(redis_url)
    assert again.attempt == 1


def test_both_secrets_are_handed_out_while_the_old_one_lives(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    hook = register(redis_url)
    new, until = on_redis(redis_url, lambda client: Endpoints(client).rotate(OWNER, hook, 60)) or ("", 0)
    assert until
    end(redis_url, "a")
    (claimed,) = claim(redis_url)
    assert claimed.secrets[0] == new
    assert len(claimed.secrets) == 2
    with pytest.raises(SecretsOverlap) as overlap:
        on_redis(redis_url, lambda client: Endpoints(client).rotate(OWNER, hook, 1))
    assert overlap.value.until == until
    clean_redis.hincrby(keys.hook(OWNER, hook), "previous_until", -60_000)  # a minute later
    pass_over(clean_redis, 60)
    (again,) = claim(redis_url)
    assert again.secrets == (new,)
    newer, _ = on_redis(redis_url, lambda client: Endpoints(client).rotate(OWNER, hook, 1)) or ("", 0)
    assert newer not in ("", new)
    assert on_redis(redis_url, lambda client: Endpoints(client).rotate(OWNER, "wh_0", 1)) is None


def test_upkeep_rings_as_many_senders_as_there_are(redis_url: str, clean_redis: "redis.Redis") -> None:
    worker = ledger(redis_url)
    worker.upkeep([])
    assert clean_redis.llen("webhooks") == 0
    register(redis_url)
    register(redis_url)
    end(redis_url, "a")
    worker.upkeep([])
    worker.upkeep([])
    assert clean_redis.llen("webhooks") == 1
    seconds, _ = clean_redis.time()
    clean_redis.zadd("ink:senders", {"one": seconds * 1000, "two": seconds * 1000})
    worker.upkeep([])
    assert clean_redis.llen("webhooks") == 2
    assert b'"task": "webhooks"' in sender_message()


def test_everything_of_a_delivery_expires_by_itself(redis_url: str, clean_redis: "redis.Redis") -> None:
    register(redis_url)
    end(redis_url, "a", "b")
    first, second = claim(redis_url)
    conclude(redis_url, first, GOOD)
    conclude(redis_url, second, BAD)
    patterns = ("ink:delivery:*", "ink:deliveries:*", "ink:sending:*")
    kept = [key for pattern in patterns for key in clean_redis.keys(pattern)]
    assert len(kept) >= 7
    assert [key for key in kept if clean_redis.ttl(key) < 0] == []


def test_what_is_still_to_be_sent_outlasts_weeks_with_everything_off(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    register(redis_url)
    end(redis_url, "a")
    conclude(redis_url, claim(redis_url)[0], BAD)
    submit(redis_url, "late", (2,))
    pass_over(clean_redis, 30 * DAY_S)
    ledger(redis_url).upkeep(["balanced"])
    claims = claim(redis_url)
    told = {json.loads(each.event)["id"]: json.loads(each.event)["state"] for each in claims}
    assert told == {"a": "succeeded", "late": "expired"}
    for each in claims:
        conclude(redis_url, each, BAD)
    assert [len(of_job(redis_url, job)[0].attempts) for job in told] == [2, 1]


def test_what_failed_is_listed_behind_what_arrived_and_is_forgotten(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    hook = register(redis_url)
    end(redis_url, "unlucky")
    (unlucky,) = claim(redis_url)
    conclude(redis_url, unlucky, Outcome(0.1, status=410))
    amend(redis_url, hook, enabled=True)
    wide = replace(LIMITS, per_endpoint=100, per_caller=100)
    end(redis_url, *(f"job{number}" for number in range(20)))
    for each in claim(redis_url, limits=wide):
        conclude(redis_url, each, GOOD)
    assert unlucky.id not in [each.id for each in of_hook(redis_url, hook, 20)]
    pass_over(clean_redis, 2 * DAY_S)
    clean_redis.zadd(listed := keys.hook_deliveries(OWNER, hook), {f"msg_{n}": 1e13 for n in range(150)})
    assert [each.id for each in of_hook(redis_url, hook, 20)] == [unlucky.id]
    assert clean_redis.zrange(listed, 0, -1) == [unlucky.id.encode()]
    assert redeliver(redis_url, "unlucky", unlucky.id) == "pending"


def test_a_list_of_deliveries_does_not_grow_for_ever(redis_url: str, clean_redis: "redis.Redis") -> None:
    hook = register(redis_url)
    listed = keys.hook_deliveries(OWNER, hook)
    clean_redis.zadd(listed, {f"msg_{number}": 1000 * time.time() - 1 for number in range(20)})
    end(redis_url, *(f"job{number}" for number in range(5)))
    assert clean_redis.zcard(listed) < 20  # of 25; four were looked at each time


def test_only_so_many_endpoints_can_be_registered(redis_url: str) -> None:
    async def work(client: Any) -> Any:
        url = "https://example.org/"
        return [await Endpoints(client).create(OWNER, url, tuple(Event), "", 2) for _ in range(3)]

    made = on_redis(redis_url, work)
    assert [each is not None for each in made] == [True, True, False]


def test_what_is_asked_again_as_its_answer_was_lost_changes_nothing(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    def twice(name: str, *args: object) -> list[Any]:
        script = clean_redis.register_script(source(name))
        return [script(args=args) for _ in range(2)]

    assert twice("register", OWNER, "wh_a", 1, "secret", "old") == [b"new"] * 2
    first, again = twice("rotate", OWNER, "wh_a", "new", 60_000)
    assert first == again
    assert first[1] > 0
    assert clean_redis.hmget(f"ink:hook:{OWNER}/wh_a", "secret", "previous") == [b"new", b"old"]
    assert twice("unregister", OWNER, "wh_a", "a request") == [1, 1]
    assert twice("unregister", OWNER, "wh_a", "another") == [0, 0]
    assert 0 < clean_redis.ttl(f"ink:deleted:{OWNER}/wh_a") <= 60
