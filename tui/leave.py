"""Ending as the leader of a terminal's session, so that who drives the terminal sees the exit code at once."""

import os
import signal
import sys
import time

LINGER_S = 0.1


def keep_terminal_open() -> None:
    """Keep the terminal open a moment longer than this process, where it leads the terminal's session.

    The kernel hangs the terminal up some milliseconds before the process counts as ended: a program at the other end that
    asks for the exit code as soon as the output is over would find none. Does nothing under a shell.
    """
    if not hasattr(os, "fork") or os.getsid(0) != os.getpid() or not sys.stdin.isatty():
        return
    import fcntl
    import termios

    for sent_when_let_go in (signal.SIGHUP, signal.SIGCONT):
        signal.signal(sent_when_let_go, signal.SIG_IGN)
    if os.fork() == 0:
        time.sleep(LINGER_S)
        os._exit(0)
    fcntl.ioctl(sys.stdin.fileno(), termios.TIOCNOTTY)
