"""Home: what the lab is, and the ways in."""

from resnet_lab.ui import welcome
from resnet_lab.ui.page import heading
from resnet_lab.ui.shared import expect_work, shared

lab = shared()
heading("ResNet Lab", "Take a residual block apart, put it back together differently, train it, and see what changes.")
welcome.ways_in(lab)
expect_work(lab.store)
