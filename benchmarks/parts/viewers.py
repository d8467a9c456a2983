"""Viewers without a browser: each opens a page over its websocket and ticks as board.js does, but draws nothing."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

LARGEST = 2**26  # bytes of one message
PATIENCE = 60  # seconds


@dataclass
class Viewer:
    """One open page, and what it has seen."""

    address: str  # ws://...
    page: str
    query: str
    version: str = ""  # of the charts
    component: str = ""
    fragment: str = ""
    page_hash: str = ""
    others: dict[str, float] = field(default_factory=dict)  # fragments that run by themselves, and how often
    opened: float = 0.0  # seconds until the charts were there
    ticks: list[float] = field(default_factory=list)  # seconds from a question to its answer
    received: int = 0  # bytes, after the opening
    news: int = 0  # answers that brought something new

    async def watch(self, is_over: Callable[[], bool], pause: float | None) -> None:
        """Ticks until it is over; `pause` None: as the page says, else seconds between answer and question."""
        async with connect(
            f"{self.address}/_stcore/stream", subprotocols=["streamlit"], max_size=LARGEST, compression=None
        ) as socket:
            start = time.perf_counter()
            await self.ask(socket)
            tick = await self.answer(socket)
            self.opened, self.received = time.perf_counter() - start, 0
            last = dict.fromkeys(self.others, time.perf_counter())
            while not is_over():
                wait = tick if pause is None else pause
                assert wait is not None, "nothing ticks on this page"
                await asyncio.sleep(wait)
                for fragment, seconds in self.others.items():
                    if time.perf_counter() > last.get(fragment, 0) + seconds:
                        last[fragment] = time.perf_counter()
                        await self.ask(socket, fragment)
                start = time.perf_counter()
                await self.ask(socket, self.fragment, self.version)
                tick = await self.answer(socket)
                self.ticks.append(time.perf_counter() - start)

    async def ask(self, socket: ClientConnection, fragment: str = "", version: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name, state.page_script_hash = self.query, self.page, self.page_hash
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment and not version)
        state.context_info.color_scheme = "light"
        state.context_info.url = f"{self.address.replace('ws', 'http', 1)}/{self.page}"
        if version:
            widget = state.widget_states.widgets.add()
            widget.id = f"$$STREAMLIT_INTERNAL_KEY_{self.component}__events"
            widget.json_trigger_value = json.dumps([{"event": "tick", "value": {"version": version}}])
        await socket.send(message.SerializeToString())

    async def answer(self, socket: ClientConnection) -> float | None:
        """Until there is another version of the charts; how long to wait for the next question."""
        while True:
            raw = await asyncio.wait_for(socket.recv(), PATIENCE)
            self.received += len(raw)
            message = ForwardMsg()
            message.ParseFromString(raw)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.page_hash = message.new_session.page_script_hash
            elif kind == "auto_rerun":
                self.others[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "bidi_component":
                element = message.delta.new_element.bidi_component
                told = json.loads(element.bytes)
                assert told["base"] in (None, self.version), "a patch of something that this viewer has not got"
                self.component, self.fragment, self.version = element.id, message.delta.fragment_id, told["version"]
                self.news += told["patch"] is not None
                tick: float | None = told["tick"]
                return tick


def watch_all(viewers: list[Viewer], is_over: Callable[[], bool], pause: float | None = None) -> None:
    """All at once, on one core; each opens the page a moment after the one before."""

    async def one(viewer: Viewer, delay: float) -> None:
        await asyncio.sleep(delay)
        await viewer.watch(is_over, pause)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(viewer, 0.3 * number) for number, viewer in enumerate(viewers)))

    asyncio.run(all_of_them())
