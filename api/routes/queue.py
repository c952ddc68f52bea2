"""The queue as a whole: the backlog, the workers, and how many workers there should be."""

from fastapi import APIRouter

from ..autoscaling import desired_workers
from ..dependencies import CardsDep, GaugesDep, OperateOwnerDep, SettingsDep
from ..schemas.queues import BacklogOut, QueueOut, WorkerOut

router = APIRouter(prefix="/v1/queue", tags=["service"])


@router.get("", response_model=QueueOut)
async def read_queue(
    owner: OperateOwnerDep, gauges: GaugesDep, cards: CardsDep, settings: SettingsDep
) -> QueueOut:
    """The backlog by model and lane, the workers, and `desired_workers` for an autoscaler."""
    backlogs = await gauges.backlogs(list(cards))
    workers, measures = await gauges.workers(), await gauges.measures()
    return QueueOut(
        models=[BacklogOut.of(each) for each in backlogs],
        workers=[WorkerOut.of(each) for each in workers],
        desired_workers=desired_workers(backlogs, workers, measures, settings),
    )
