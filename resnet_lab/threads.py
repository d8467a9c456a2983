"""torch's random numbers and its hooks on all modules belong to the process: who uses them holds this lock."""

from threading import RLock

PROCESS_WIDE = RLock()
