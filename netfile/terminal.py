"""What every command line here does alike: one line on stderr for what cannot be met, and the exit codes."""

import argparse
import os
import sys


class Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line on stderr, exit code 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def guarded(name, run, expected):
    """Call run() and return the exit code: its own or 0; 2 for the `expected` exceptions and too little memory; 130 after Ctrl-C."""
    try:
        return run() or 0
    except expected as e:
        print(f"{name}: {' '.join(str(e).split())}", file=sys.stderr)
        return 2
    except MemoryError:
        print(
            f"{name}: not enough memory; use a smaller picture, or a layer nearer to the input",
            file=sys.stderr,
        )
        return 2
    except BrokenPipeError:
        # whoever read our output has stopped; say nothing more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"\n{name}: stopped; nothing half-written is left", file=sys.stderr)
        return 130
