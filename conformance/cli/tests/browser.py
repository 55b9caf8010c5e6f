#!/usr/bin/env python3
"""The page of `zabcheck explore` in a real browser: Chromium, driven by Playwright.

usage: browser.py ZABCHECK [--chromium PATH] [--shots DIR]

Walks through a run by keyboard and mouse, at two sizes of window, and fails where a reader would be
lost: no state at first, a diagram out of view, a violation without its name, an error of the page.
"""

import argparse
import pathlib
import re
import subprocess
import sys

from playwright.sync_api import expect, sync_playwright

BOUNDS = "--model paper --servers 3 --txns 2 --ghosts --timeouts 1 --restarts 1 --reading epoch-first"


def violation(zabcheck):
    """A property, and the path to a state that violates it."""
    command = [zabcheck, "check", "--symmetry", "--stop-when-violated", *BOUNDS.split()]
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
        page.screenshot(path=shots / f"violation-{size[0]}.png")


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
    args = parser.parse_args()
    args.shots.mkdir(parents=True, exist_ok=True)
    found = violation(args.zabcheck)
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
            browser.close()
    finally:
        process.terminate()
        process.wait()
    if problems:
        sys.exit("problems of the page: " + "; ".join(problems))
    print(f"the Explorer in Chromium: ok, pictures in {args.shots}")


main()
