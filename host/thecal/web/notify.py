"""Messages to people by `apprise`: mail, chat, phone. They are sent in a thread of their own, so that a slow service delays nothing."""

from __future__ import annotations

import queue
import threading
import warnings
from typing import Any

from thecal.errors import BadInput, Failed
from thecal.terminal.console import talk

MOST_WAITING = 100
DO = "see the list of services at https://appriseit.com/services/, for instance mailto://USER:PASSWORD@gmail.com"


class Notifier:
    """Sends messages to every URL. Without a URL it sends nothing. Raises BadInput for a URL that apprise does not know."""

    def __init__(self, urls: list[str]) -> None:
        self._queue: queue.Queue[tuple[str, str] | None] = queue.Queue(MOST_WAITING)
        self._service: Any = None
        self._thread: threading.Thread | None = None
        if not urls:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.11 and 3.12 warn of a module that apprise looks for
            self._service = service_of(urls)
        self._thread = threading.Thread(target=self._run, name="messages", daemon=True)
        self._thread.start()

    def say(self, title: str, text: str) -> None:
        """Send a message soon. Drops it if 100 others wait."""
        if self._service is None:
            return
        try:
            self._queue.put_nowait((title, text))
        except queue.Full:
            talk(f"a message was dropped, because 100 others wait: {title}")

    def close(self) -> None:
        """Send what waits, for at most 5 s."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(5)

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            title, text = message
            if not self._service.notify(title=title, body=text):
                talk(f"a message could not be sent: {title}")


def service_of(urls: list[str]) -> Any:
    """Return apprise with these URLs. Raises BadInput, or Failed if it is not installed."""
    try:
        import apprise
    except ImportError:
        raise Failed("--notify needs apprise", 'install it: pip install "thecal[serve]"') from None
    service = apprise.Apprise()
    for number, url in enumerate(urls, 1):
        if not service.add(url):
            raise BadInput(f"--notify number {number} is not the URL of a known service", DO)
    return service
