"""What happens to businesses."""

from typing import ClassVar

from payme.kit.events import Event


class BusinessCreated(Event):
    """A business was created; features above furnish it in the same transaction. Its subject is the business."""

    name: ClassVar[str] = "business.created"

    business_name: str
    is_platform: bool = False
