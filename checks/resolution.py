"""8(三): the least size of pictures (resolution.image, resolution.video).

The rules stand from now on; the facts they need come with the measuring of images and video. Until then
every such object is unread, so the verdict is indeterminate, never a pass.
"""

from dqv.checks.engine import NOT_MEASURED, Case, Outcome, Quantity, measured, rate
from dqv.core.policy import Words


def resolution(case: Case, modality: str) -> Outcome:
    """Compare the pictures of one modality with the floor.

    Args:
        case: all of the run.
        modality: image or video.
    """
    facts = case.facts[modality]

    def measures() -> dict[str, Quantity]:
        return {"share_at_floor": rate(0, facts.items, facts.unread.items)}

    return measured(
        case,
        f"resolution.{modality}",
        modality,
        measures,
        method=NOT_MEASURED,
        next_step=lambda _: Words(
            zh="待测量该模态的版本复核。", en="Check again with a version that measures it."
        ),
    )
