"""A person who uses the page of `deepdream serve` in a browser."""

import base64
import time
from pathlib import Path

SEEN = Path(__file__).resolve().parents[2] / "out" / "pages"  # where looks at it are kept
# drop a file of these bytes: [bytes in base64, its name, the selector of where]
DROP = """([content, name, where]) => {
    const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name));
    const place = document.querySelector(where);
    for (const kind of ["dragover", "drop"]) {
        place.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true}));
    }
}"""


class Person:
    """What a person does with the page, and sees of it."""

    def __init__(self, page):
        self.page = page

    def until(self, is_so, seconds=60):
        """Wait until something is so on the page; its policy forbids Playwright's own way."""
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, self.said()
            self.page.wait_for_timeout(20)

    def drop(self, content, name, where="#stage"):
        self.page.evaluate(DROP, [base64.b64encode(content).decode(), name, where])

    def said(self):
        return self.page.inner_text("#said") + self.page.inner_text("#error")

    def wrong(self):
        """What the page says is wrong, or ""."""
        shown = self.page.is_visible("#error")
        return self.page.inner_text("#error span") if shown else ""

    def command(self):
        return self.page.inner_text("#command").strip()

    def wait_for_picture(self):
        self.page.wait_for_selector("#start:visible")
        self.until(self.command)

    def dream(self):
        self.page.click("#start")
        self.page.wait_for_selector("#stop:visible")

    def wait_for_dream(self):
        self.page.wait_for_selector("#start:visible")
        self.page.wait_for_selector("#save[href]")

    def keep_look(self, name):
        SEEN.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SEEN / f"{name}.png", full_page=True)
