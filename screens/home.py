"""Home: what the lab is, and the ways in."""

from resnet_lab.ui.language import current_language, top
from resnet_lab.ui.shared import expect_work, shared
from resnet_lab.ui.strings import speaking
from resnet_lab.ui.welcome import welcome

lab = shared()
language = current_language()
say = speaking(language)
top(say("home.title"), say("home.promise"), language, say)
welcome(lab, language, say)
expect_work(lab.store)
