"""In an overload: the way out for those who are refused, a few at a time (decision 0017)."""

import asyncio
from collections import deque

PAUSE_SECONDS = 0.002
"""Between two who are let out; a turn of a busy event loop lasts longer."""
PAUSES = 150
"""About the longest wait: where more wait, more are let out at a time."""


class Turnstile:
    """Lets those out who are refused, first come, first served.

    A refusal costs the process a third of what it costs to serve, and who is refused may ask again at once. What is
    served needs several turns of the event loop, each of which would last as long as all refusals together.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_turning = False

    async def wait(self) -> None:
        """Wait to be let out."""
        loop = asyncio.get_running_loop()
        way_out = loop.create_future()
        self._waiting.append(way_out)
        if not self._is_turning:
            self._is_turning = True
            loop.call_soon(self._let_out, loop)
        await way_out

    def _let_out(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._waiting:
            self._is_turning = False
            return
        for _ in range(-(-len(self._waiting) // PAUSES)):
            way_out = self._waiting.popleft()
            if not way_out.done():
                way_out.set_result(None)
        loop.call_later(PAUSE_SECONDS, self._let_out, loop)
