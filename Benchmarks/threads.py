"""A call of spars with several numbers of threads asked for, as peers of the one at the start."""


def in_turn(call):
    """Return `call` with the threads of the start, and {name: `call` with so many asked for}."""
    import spars

    def with_threads(count):
        def run():
            spars.set_thread_count(count)
            call()

        return run

    others = {f"{n} thread{'s' * (n > 1)}": with_threads(n) for n in (1, 2, 3, 7)}
    return with_threads(spars.thread_count()), others
