"""Look inside: what trained nets look at, what their blocks do, and which pictures they get wrong."""

import streamlit as st

from resnet_lab.ui import look_inside
from resnet_lab.ui.look_landscape import landscape
from resnet_lab.ui.look_lesions import lesions
from resnet_lab.ui.look_maps import maps
from resnet_lab.ui.look_paths import paths
from resnet_lab.ui.look_pictures import pictures
from resnet_lab.ui.look_shares import shares
from resnet_lab.ui.look_state import current_view, say_problems, write
from resnet_lab.ui.look_tray import answers, choose_nets, tray
from resnet_lab.ui.page import heading
from resnet_lab.ui.shared import shared

VIEWS = {  # in the order in which they are offered
    "maps": ("Maps", maps),
    "blocks": ("Blocks", lesions),
    "paths": ("Paths", paths),
    "shares": ("Shares", shares),
    "landscape": ("Landscape", landscape),
    "pictures": ("Pictures", pictures),
}
TITLES = {name: title for name, (title, _) in VIEWS.items()}

lab = shared()
heading(
    "Look inside",
    "See what trained nets answer to, what each of their blocks does, and what they get wrong.",
)
known = look_inside.known_nets(lab)
if not known:
    look_inside.nothing_yet()
    st.stop()

view = current_view(known, TITLES)
say_problems()
view = choose_nets(known, view)
looked = look_inside.looked_at(lab, known, view)
tray(looked.specimens, looked.picture)
answers(looked)
view = look_inside.choose_view(view, TITLES)
write(view)
look_inside.show(looked, VIEWS, view)
