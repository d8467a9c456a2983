"""Tour: the story of both papers, with the lab itself in each step."""

from resnet_lab.ui import tour
from resnet_lab.ui.language import current_language, top
from resnet_lab.ui.shared import expect_work, shared
from resnet_lab.ui.strings import speaking

lab = shared()
language = current_language()
say = speaking(language)
top(say("tour.title"), say("tour.promise", steps=len(tour.STEPS)), language, say)
number = tour.current_step(say)
tour.choose_step(number, say)
tour.show_step(lab, tour.STEPS[number], say)
expect_work(lab.store)
