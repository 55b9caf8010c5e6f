#!/usr/bin/env python3
"""The page of `zabcheck explore`, exported pictures and pages, in a real browser: Chromium, driven by Playwright.

usage: browser.py ZABCHECK [--chromium PATH] [--shots DIR] [--pictures DIR]

Walks through a run by keyboard and mouse, at two sizes of window, and fails where a reader would be
lost: no state at first, a diagram out of view or cut off, a violation without its name, an error of
the page. Pictures of a counterexample and of a divergence must show all their words.
"""

import argparse
import pathlib
import re
import subprocess
import sys

from playwright.sync_api import expect, sync_playwright

BOUNDS = "--model paper --servers 3 --txns 2 --ghosts --timeouts 1 --restarts 1 --reading epoch-first"


def violation(zabcheck, picture):
    """A property, and the path to a state that violates it; with a picture of that run."""
    # Of several shortest runs, two threads find now the one and now the other.
    command = [zabcheck, "check", "--symmetry", "--stop-when-violated", "--threads", "1", *BOUNDS.split()]
    command += ["--export", picture]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    name = re.search(r"^(\w+) is violated after", said, re.M).group(1)
    return name, re.search(r" --path (\S+)", said).group(1)


def explorer(zabcheck):
    """The command that serves, and the address of its page."""
    command = [zabcheck, "explore", "--address", "127.0.0.1:0", *BOUNDS.split()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process, re.search(r"http://\S+/", process.stdout.readline()).group(0)


def walk(page, address, shots):
    """From the first state on, by keyboard and by mouse."""
    page.goto(address)
    expect(page.locator("#model")).to_have_text("ZAB as published")
    expect(page.locator("#bounds")).to_contain_text("3 servers, 2 transactions")
    expect(page.locator("#servers tbody tr")).to_have_count(3)
    expect(page.locator("#steps button")).to_have_count(1)
    assert "Searching" not in page.content()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    chosen = page.locator("#next button.chosen").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("#steps button[aria-current]")).to_contain_text(chosen)
    expect(page.locator("#changes li").first).to_contain_text(" -> ")
    expect(page.locator("#state .changed").first).to_be_visible()
    page.keyboard.press("Backspace")
    expect(page.locator("#steps button")).to_have_count(1)
    page.locator("#next button").first.click()
    expect(page.locator("#steps button")).to_have_count(2)
    page.go_back()
    expect(page.locator("#steps button")).to_have_count(1)
    page.screenshot(path=shots / "first.png")


def judge(page, address, found, shots):
    """A long run: its end is in view, and its violation has a name."""
    name, path = found
    page.goto(f"{address}#{path}")
    expect(page.locator("#verdict")).to_contain_text(f"This state violates {name}.")
    expect(page.locator("#steps .violated").last).to_contain_text(name)
    for size in [(1400, 800), (1920, 1080)]:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.reload()
        expect(page.locator("#verdict")).to_contain_text(name)
        for what in ["#diagram", "#servers", "#next", "#steps button[aria-current]"]:
            expect(page.locator(what)).to_be_in_viewport()
        diagram = page.locator("#diagram")
        expect(diagram.locator("svg")).to_be_in_viewport()
        for server in [1, 2, 3]:
            expect(diagram.get_by_text(f"server {server}", exact=True).last).to_be_in_viewport()
        at_end = diagram.evaluate("d => d.scrollTop + d.clientHeight >= d.scrollHeight - 2")
        assert at_end, "the last steps of the diagram are in view"
        cut = diagram.evaluate(CUT_OFF)
        assert not cut, f"cut off at {size[0]} pixels: {cut}"
        page.screenshot(path=shots / f"violation-{size[0]}.png")


# The words of a diagram that are left or right of what is in view.
CUT_OFF = """diagram => {
  const view = diagram.getBoundingClientRect();
  const outside = (box) => box.left < view.left || box.right > view.left + diagram.clientWidth + 1;
  return [...diagram.querySelectorAll("text")]
    .filter((text) => outside(text.getBoundingClientRect())).map((text) => text.textContent);
}"""

# The words of a picture that are outside of it, and the pairs of words that lie over each other.
WORDS = """() => {
  const svg = document.documentElement, view = svg.viewBox.baseVal;
  const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBBox()]);
  const outside = texts.filter(([, box]) =>
    box.x < 0 || box.y < 0 || box.x + box.width > view.width || box.y + box.height > view.height);
  const over = (a, b) =>
    a.x + 1 < b.x + b.width && b.x + 1 < a.x + a.width &&
    a.y + 1 < b.y + b.height && b.y + 1 < a.y + a.height;
  const pairs = texts.flatMap(([one, a], i) =>
    texts.slice(i + 1).filter(([, b]) => over(a, b)).map(([other]) => one + " / " + other));
  return { words: texts.length, outside: outside.map(([text]) => text), pairs };
}"""


def look_at_pictures(page, folder, shots):
    """Every picture of a folder, of which there are some."""
    pictures = sorted(folder.glob("*.svg"))
    assert pictures, f"{folder} has no picture"
    for picture in pictures:
        look_at_picture(page, picture, ["server 1", "NEWLEADER"], shots)


def look_at_picture(page, picture, words, shots):
    """A picture that was exported: a file of its own, whole and readable."""
    page.goto(picture.resolve().as_uri())
    found = page.evaluate(WORDS)
    assert found["words"] > 20, f"{picture.name} has few words: {found}"
    assert not found["outside"] and not found["pairs"], f"{picture.name}: {found}"
    for word in words:
        assert page.get_by_text(word).count() > 0, f"{picture.name}: no {word}"
    size = page.evaluate("() => [document.documentElement.viewBox.baseVal].map(v => [v.width, v.height])[0]")
    page.set_viewport_size({"width": int(size[0]), "height": int(size[1])})
    page.screenshot(path=shots / f"{picture.stem}.png")


def divergence(zabcheck, picture):
    """The picture of the messages around a divergence."""
    trace = pathlib.Path(__file__).parents[3] / "traces/corpus/reject/ack_before_fsync.ndjson"
    subprocess.run([zabcheck, "conform", trace, "--export", picture], capture_output=True, check=False)


def pages(zabcheck, shots):
    """Pages of a divergence and of a capture with lost writes, each with words that must be seen."""
    root = pathlib.Path(__file__).parents[3]
    given = {
        "divergence-page": ["conform", root / "traces/corpus/reject/ack_before_fsync.ndjson"],
        "capture-page": ["wire", root / "conformance/capture/corpus/apache-3.8.0/stale-ack.raw.ndjson"],
    }
    for name, arguments in given.items():
        path = shots / f"{name}.html"
        subprocess.run([zabcheck, *arguments, "--html", path], capture_output=True, check=False)
        yield path


def look_at_page(page, path, shots):
    """A page of findings: its rows lead to the findings, and the page itself is never too wide."""
    page.set_viewport_size({"width": 1400, "height": 800})
    page.goto(path.resolve().as_uri())
    page.locator("table a").first.click()
    expect(page.locator("section h2").first).to_be_in_viewport()
    expect(page.locator("section svg").first).to_be_visible()
    assert page.locator("section svg .marked").count() > 0, f"{path.name}: nothing is marked"
    wide = page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth")
    assert not wide, f"{path.name} is wider than the window"
    page.screenshot(path=shots / f"{path.stem}.png", full_page=True)


def lose_the_way(page, address):
    """An address that leads nowhere says so; the page goes on."""
    page.goto(f"{address}#0/999")
    expect(page.locator("#problem")).to_contain_text("number 2 is 999")
    page.goto(f"{address}#0")
    expect(page.locator("#problem")).to_be_hidden()
    expect(page.locator("#servers tbody tr")).to_have_count(3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("zabcheck")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--shots", type=pathlib.Path, default=pathlib.Path("target/shots"))
    parser.add_argument("--pictures", type=pathlib.Path, help="look at every .svg of this folder, too")
    args = parser.parse_args()
    args.shots.mkdir(parents=True, exist_ok=True)
    run, messages = args.shots / "counterexample.svg", args.shots / "divergence.svg"
    found = violation(args.zabcheck, run)
    divergence(args.zabcheck, messages)
    process, address = explorer(args.zabcheck)
    problems = []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=args.chromium, args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1400, "height": 800})
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("requestfailed", lambda request: problems.append(request.url))
            walk(page, address, args.shots)
            judge(page, address, found, args.shots)
            lose_the_way(page, address)
            look_at_picture(page, run, ["UpdateLeader(1)", "NEWLEADER", "BROADCAST"], args.shots)
            look_at_picture(page, messages, ["Sent ACK 1.1 to 3", "PROPOSAL 1.1"], args.shots)
            if args.pictures:
                look_at_pictures(page, args.pictures, args.shots)
            for path in pages(args.zabcheck, args.shots):
                look_at_page(page, path, args.shots)
            browser.close()
    finally:
        process.terminate()
        process.wait()
    if problems:
        sys.exit("problems of the page: " + "; ".join(problems))
    print(f"the Explorer in Chromium: ok, pictures in {args.shots}")


main()
