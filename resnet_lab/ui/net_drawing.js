// Nets whose units can be clicked, or reached with Tab and the arrow keys. Python draws them; a click tells the unit.

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
const shown = new WeakMap(); // by the element that Streamlit gives: what stands in it, and how to tell a click

export default function show(component) {
  const { parentElement: parent, data } = component;
  const { html } = JSON.parse(new TextDecoder().decode(data));
  if (!shown.has(parent)) begin(parent);
  const state = shown.get(parent);
  state.tell = ({ net, unit }) => component.setTriggerValue("click", { net, unit: Number(unit) });
  if (state.html !== html) replace(state, html);
  return () => parent.isConnected || shown.delete(parent);
}

function begin(parent) {
  const place = parent.appendChild(document.createElement("div"));
  const state = { place };
  shown.set(parent, state);
  place.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-unit]");
    if (button) state.tell(button.dataset);
  });
  place.addEventListener("keydown", (event) => {
    if (event.key in STEPS && move(event.target, STEPS[event.key])) event.preventDefault();
  });
}

// The unit that had the focus keeps it.
function replace(state, html) {
  const { net, unit } = state.place.contains(document.activeElement) ? document.activeElement.dataset : {};
  state.place.innerHTML = state.html = html;
  if (unit) state.place.querySelector(`[data-net="${CSS.escape(net)}"][data-unit="${unit}"]`)?.focus();
}

function move(button, step) {
  const buttons = [...(button.closest(".net-row")?.querySelectorAll("button") ?? [])];
  const next = buttons[buttons.indexOf(button) + step];
  next?.focus();
  return next;
}
