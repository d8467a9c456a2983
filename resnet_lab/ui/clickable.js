// HTML whose buttons can be clicked, or reached with Tab and, in a row, the arrow keys. A click tells the button's data.

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
const shown = new WeakMap(); // by the element that Streamlit gives: what stands in it, and how to tell a click

export default function show(component) {
  const { parentElement: parent, data } = component;
  const { html } = JSON.parse(new TextDecoder().decode(data));
  if (!shown.has(parent)) begin(parent);
  const state = shown.get(parent);
  state.tell = (button) => component.setTriggerValue("click", { ...button.dataset });
  if (state.html !== html) replace(state, html);
  return () => parent.isConnected || shown.delete(parent);
}

function begin(parent) {
  const place = parent.appendChild(document.createElement("div"));
  place.className = "clickable";
  const state = { place };
  shown.set(parent, state);
  place.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) state.tell(button);
  });
  place.addEventListener("keydown", (event) => {
    if (event.key in STEPS && move(event.target, STEPS[event.key])) event.preventDefault();
  });
}

// The button that had the focus keeps it.
function replace(state, html) {
  const { place } = state;
  const focused = place.contains(document.activeElement) ? identity(document.activeElement) : "";
  place.innerHTML = state.html = html;
  if (focused) [...place.querySelectorAll("button")].find((button) => identity(button) === focused)?.focus();
}

function identity(button) {
  return JSON.stringify(button.dataset);
}

function move(button, step) {
  const buttons = [...(button.closest(".button-row")?.querySelectorAll("button") ?? [])];
  const next = buttons[buttons.indexOf(button) + step];
  next?.focus();
  return next;
}
