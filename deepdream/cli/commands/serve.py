"""`deepdream serve`: a page in the browser that dreams while one looks."""

import argparse
import sys
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from netfile.terminal import say

from ...settings import WEB
from .. import events, meant, options, typed
from ..advice import advised

if TYPE_CHECKING:
    from ...web.asked import Asked

EXAMPLES = (
    "deepdream serve",
    "deepdream serve --model motif_googlenet --port 8080",
    "deepdream serve --host 192.168.1.20 --no-browser",
)


def add_parser(verbs: Any) -> None:
    about = "open a page in the browser that dreams while you look"
    p = options.add_command(verbs, "serve", about, EXAMPLES)
    group = p.group("the page")
    options.add_setting(
        group,
        "--host",
        options.filled,
        WEB.host,
        "ADDRESS",
        "where to listen; under an address that others can reach, the page asks for a token",
    )
    port = options.number(int, 0, highest=65535)
    options.add_setting(group, "--port", port, WEB.port, "N", "on which port; 0 takes a free one")
    group.add_argument(
        "--no-browser", action="store_true", help="only print the page's address, open nothing"
    )
    options.add_model(p)
    options.add_engine(p)
    options.add_memory(p)
    options.add_said(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    from ...web import jobs, server  # with asyncio, which no other command has to load

    made = server.Server(
        meant.model_of(args),
        jobs.how(args.engine, args.gpu, args.memory),
        advised,
        command,
        args.host,
        args.port,
    )

    def started() -> None:
        text = f"open {made.address} in a browser; Ctrl-C ends the server"
        events.tell("serving", text, address=made.address, port=made.port)
        if not args.no_browser and sys.stdout.isatty():
            with suppress(webbrowser.Error):
                webbrowser.open(made.address)

    try:
        made.run(started)
    except KeyboardInterrupt:  # the way to end it
        say("the server has ended")


def command(asked: "Asked") -> str:
    """The command line of what a page asks for."""
    return typed.dream_line(
        asked.image.name,
        "dream/" if asked.zoom else "dream.png",
        asked.model,
        asked.dream,
        guides=[one.name for one in asked.guides],
        mask=asked.mask.name if asked.mask else None,
        picture=asked.picture,
        zoom=asked.zoom,
        seed=asked.seed,
    )
