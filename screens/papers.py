"""Papers: the tables and claims of the two papers beside what was measured here."""

from resnet_lab.ui import papers
from resnet_lab.ui.page import heading
from resnet_lab.ui.papers_claims import claims
from resnet_lab.ui.papers_forecasts import forecasts
from resnet_lab.ui.papers_tables import tables
from resnet_lab.ui.shared import expect_work, shared

VIEWS = {  # in the order in which they are offered
    "tables": ("Tables", tables),
    "claims": ("Claims", claims),
    "forecasts": ("Predict, then train", forecasts),
}

lab = shared()
heading("The papers on trial", "Published tables and claims, beside what was really trained, here or beforehand.")
name = papers.choose("view", {name: title for name, (title, _) in VIEWS.items()}, usual="tables")
VIEWS[name][1](lab)
expect_work(lab.store)
