"""The whole service in one process, once for each kind of back office: its stand-in, or a real one.

What is played in an `Office` can be played with every back office: only what stands in its books,
and what people do there, is each one's own.
"""
