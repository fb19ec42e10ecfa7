"""A browser without a window, driven by its debugging protocol over two pipes; needs no package."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--no-first-run", "--remote-debugging-pipe"),
    # the browser itself finds no host
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
STEP_S = 0.05
# Where the middle of an element is, once it is enabled and stands still; else null.
PLACE = """window.standing = async (selector) => {
  const element = document.querySelector(selector);
  if (!element || element.disabled || element.ariaDisabled === 'true') return null;
  element.scrollIntoViewIfNeeded();
  const middle = () => {
    const box = element.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const before = middle();
  await new Promise((go) => setTimeout(go, 60));
  const after = middle();
  return before.join() === after.join() ? after : null;
}; 0"""


def program() -> str | None:
    """The browser of this machine, None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Page:
    """One tab. `events` holds what the browser told without being asked."""

    def __init__(self, to_browser: int, from_browser: int):
        self.write, self.read = to_browser, from_browser
        self.number, self.rest, self.session = 0, b"", ""
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, timeout_s: float = 600, **params: Any) -> dict[str, Any]:
        """A command of the protocol and its answer. Raises RuntimeError with what went wrong."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + timeout_s
        while True:
            answer = self._next(end, method)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _next(self, end: float, what: str) -> dict[str, Any]:
        while b"\0" not in self.rest:
            if not select.select([self.read], [], [], max(0, end - time.monotonic()))[0]:
                raise RuntimeError(f"{what}: the browser did not answer")
            chunk = os.read(self.read, 2**20)
            if not chunk:
                raise RuntimeError(f"{what}: the browser has ended")
            self.rest += chunk
        text, _, self.rest = self.rest.partition(b"\0")
        return json.loads(text)

    def run(self, expression: str) -> Any:
        """Value of an expression in the page; promises are awaited."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression: str, timeout_s: float = 600) -> Any:
        """Wait until an expression is true; returns its value."""
        end = time.monotonic() + timeout_s
        while not (value := self.run(expression)):
            if time.monotonic() > end:
                raise RuntimeError(f"never true: {expression}")
            time.sleep(STEP_S)
        return value

    def size(self, width: int, height: int, phone: bool = False) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def go(self, url: str) -> None:
        self.ask("Page.navigate", url=url)

    def click(self, selector: str) -> None:
        """A press of the mouse in the middle of what the selector finds, once that stands still."""
        place = f"standing({json.dumps(selector)})"
        self.run(PLACE)
        x, y = self.wait(place)
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """A key, such as "ArrowRight" or "s"."""
        text = {"text": key} if len(key) == 1 else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def choose_file(self, selector: str, path: Path) -> None:
        """Put a file into a field for files."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def screenshot(self, path: Path, whole: bool = True) -> None:
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def opened(folder: Path) -> Iterator[Page]:
    """A tab of a browser whose profile, and downloads, are in `folder`."""
    name = program()
    assert name is not None
    to_child, to_browser = os.pipe()
    from_browser, from_child = os.pipe()
    # The protocol's pipes are the files 3 and 4 of the browser.
    shell = f'exec "$0" "$@" 3<&{to_child} 4>&{from_child}'
    command = ["bash", "-c", shell, name, *OPTIONS, f"--user-data-dir={folder / 'profile'}"]
    process = subprocess.Popen(
        command,
        pass_fds=(to_child, from_child),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_child)
    os.close(from_child)
    try:
        page = Page(to_browser, from_browser)
        page.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        target = page.ask("Target.createTarget", url="about:blank")["targetId"]
        answer = page.ask("Target.attachToTarget", targetId=target, flatten=True)
        page.session = answer["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.ask(f"{domain}.enable")
        yield page
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(to_browser)
        os.close(from_browser)
