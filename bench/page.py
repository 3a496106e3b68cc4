"""How fast the page stands in a browser: largest paint, shift, requests, bytes. `make bench-page`.

Chromium by Playwright, a new profile for every visit, over a running server. address + questions -> table
"""

import argparse
import gzip
import statistics
from typing import Any
from urllib.parse import urlencode

FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run".split()
MEASURE = """() => new Promise((done) => {
  const seen = {paint: 0, shift: 0};
  const look = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
    .observe({type, buffered: true});
  look('largest-contentful-paint', (one) => { seen.paint = one.startTime; });
  look('layout-shift', (one) => { seen.shift += one.value; });
  const first = performance.getEntriesByType('navigation')[0];
  setTimeout(() => done({...seen, server: first.responseStart - first.requestStart}), 400);
})"""


def visits(browser: Any, address: str, times: int) -> dict[str, float]:
    """Medians over visits, the first one left out: ms to the largest paint, of the server; the rest."""
    seen = []
    for _ in range(times + 1):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        replies: list[Any] = []
        page.on("response", lambda reply, into=replies: into.append(reply))
        page.goto(address, wait_until="networkidle")
        measured = page.evaluate(MEASURE)
        zipped = sum(len(gzip.compress(reply.body(), 9)) for reply in replies)
        seen.append({**measured, "requests": len(replies), "zipped": zipped})
        context.close()
    return {name: statistics.median(one[name] for one in seen[1:]) for name in seen[0]}


def main() -> None:
    """One line a page, on stdout."""
    from playwright.sync_api import sync_playwright

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("address", help="of a running server, http://127.0.0.1:8000")
    asked.add_argument("questions", nargs="*", default=["How many residents may be evacuated?"])
    asked.add_argument("--times", type=int, default=5, help="visits of each page that count")
    asked.add_argument("--chromium", default="/usr/bin/chromium")
    given = asked.parse_args()
    paths = ["/", *(f"/?{urlencode({'q': question})}" for question in given.questions), "/status"]
    print("| page | largest paint ms | of it server ms | shift | requests | KB gzipped |")
    print("|---|---|---|---|---|---|")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=given.chromium, args=FLAGS)
        for path in paths:
            one = visits(browser, given.address.rstrip("/") + path, given.times)
            numbers = f"{one['paint']:.0f} | {one['server']:.0f} | {one['shift']:.3f} | {one['requests']:.0f}"
            print(f"| `{path[:60]}` | {numbers} | {one['zipped'] / 1000:.1f} |")
        browser.close()


if __name__ == "__main__":
    main()
