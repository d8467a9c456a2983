// A table whose cells can be clicked. Python draws it; a click tells the row and the budget.

const shown = new WeakMap(); // by the element that Streamlit gives: what stands in it, and how to tell a click

export default function show(component) {
  const { parentElement: parent, data } = component;
  const { html } = JSON.parse(new TextDecoder().decode(data));
  if (!shown.has(parent)) begin(parent);
  const state = shown.get(parent);
  state.tell = ({ row, budget }) => component.setTriggerValue("click", { row: Number(row), budget });
  if (state.html !== html) replace(state, html);
  return () => parent.isConnected || shown.delete(parent);
}

function begin(parent) {
  const place = parent.appendChild(document.createElement("div"));
  place.className = "paper-table-place";
  const state = { place };
  shown.set(parent, state);
  place.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-row]");
    if (button) state.tell(button.dataset);
  });
}

// The cell that had the focus keeps it.
function replace(state, html) {
  const { row, budget } = state.place.contains(document.activeElement) ? document.activeElement.dataset : {};
  state.place.innerHTML = state.html = html;
  if (row) state.place.querySelector(`[data-row="${row}"][data-budget="${CSS.escape(budget)}"]`)?.focus();
}
