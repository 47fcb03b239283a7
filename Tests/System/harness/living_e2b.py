"""An upstream that knows which of its sandboxes still live, and takes its time."""

import dataclasses
import json
import random
import threading
import time

from harness.fake_e2b import SANDBOX, Exchange, FakeE2B, carried


@dataclasses.dataclass(frozen=True)
class Piece:
    """What a piece of code does here: `Piece(…).code` is understood by this upstream alone."""

    seconds: float = 0.0
    raises: bool = False
    ends: bool = True

    @property
    def code(self) -> str:
        return json.dumps(dataclasses.asdict(self))


class LivingE2B(FakeE2B):
    """Sandboxes with ids of their own; now and then a create or a destruction that fails, or a create whose answer
    is lost although the sandbox is there."""

    def __init__(self, seed: int, *, faults: float = 0.03):
        super().__init__()
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._faults = faults
        self._living: dict[str, dict] = {}
        self.made = 0
        self.create, self.execute, self.destroy, self.probe = self._create, self._execute, self._destroy, self._probe

    @property
    def living(self) -> dict[str, str]:
        """The sandboxes that live, each with the execution that it was made for."""
        with self._lock:
            return {sandbox: labels["e2b-gateway-execution"] for sandbox, labels in self._living.items()}

    def _chance(self, share: float) -> bool:
        with self._lock:
            return self._random.random() < share

    def _pause(self, longest: float) -> None:
        with self._lock:
            seconds = self._random.uniform(0, longest)
        time.sleep(seconds)

    def _create(self, exchange: Exchange) -> None:
        self._pause(0.02)
        if self._chance(self._faults):
            return exchange.answer(503, {"code": 503, "message": "no room"})
        with self._lock:
            self.made += 1
            sandbox = f"i{self._random.randrange(16**19):019x}"
            self._living[sandbox] = exchange.order["metadata"]
        self._pause(0.01)
        if self._chance(self._faults):
            return exchange.break_off()
        exchange.answer(201, SANDBOX | {"sandboxID": sandbox})

    def _execute(self, exchange: Exchange) -> None:
        piece = Piece(**json.loads(carried(exchange.order["code"])["code"]))
        exchange.begin_events()
        exchange.event({"type": "stdout", "text": "on\n"})
        exchange.wfile.flush()
        if not piece.ends:
            return exchange.hang()
        time.sleep(piece.seconds)
        if piece.raises:
            exchange.event({"type": "error", "name": "ValueError", "value": "no", "traceback": "ValueError: no"})
        exchange.event({"type": "end_of_execution"})
        exchange.end_events()

    def _destroy(self, exchange: Exchange) -> None:
        if self._chance(self._faults):
            return exchange.answer(500, {"code": 500, "message": "try again"})
        with self._lock:
            known = self._living.pop(exchange.order["sandboxID"], None)
        exchange.answer(204 if known else 404, b"" if known else {"code": 404, "message": "unknown"})

    def _probe(self, exchange: Exchange) -> None:
        with self._lock:
            listed = [
                {"sandboxID": sandbox, "templateID": "code-interpreter-v1", "state": "running", "metadata": labels}
                for sandbox, labels in self._living.items()
            ]
        exchange.answer(200, listed)
