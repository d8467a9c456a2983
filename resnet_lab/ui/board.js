// A grid of Plotly figures. Python sends what changed (patches.py); what it touches is drawn again, and the user's zoom,
// pan and hidden traces stay.

const PATIENCE = 15_000; // milliseconds; a question that was lost with its connection is asked again
const MOMENT = 50; // milliseconds between two looks at whether the page still runs
const REACTION = 200; // milliseconds from a click to the run of the page that it may lead to
const STYLE = `
.board { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
.board > figure { flex: 1 1 min(var(--min-width), 100%); min-width: 0; margin: 0; }
.board > figure.wide { flex-basis: 100%; }
.board > figure > div:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.board figcaption { margin-top: 0.25rem; font-size: 0.875rem; opacity: 0.7; }`;

const boards = new WeakMap(); // by the element that Streamlit gives each of them
let library; // of Plotly, loaded once a page
let touched = -Infinity; // when the user last clicked or typed
for (const kind of ["click", "keydown"]) document.addEventListener(kind, () => (touched = performance.now()), true);

export default function show(component) {
  const { parentElement } = component;
  if (!boards.has(parentElement)) boards.set(parentElement, new Board(parentElement));
  const board = boards.get(parentElement);
  board.receive(component);
  return () => board.leave();
}

// What is not there yet is loaded anew when a chart needs it, and said then.
export function preload(plotly) {
  library ??= load(plotly);
  library.catch(() => {});
}

class Board {
  constructor(parent) {
    this.parent = parent;
    this.grid = parent.appendChild(document.createElement("div"));
    this.grid.className = "board";
    this.notice = parent.appendChild(document.createElement("div"));
    this.notice.setAttribute("role", "alert");
    this.plots = new Map(); // by the chart's name
    this.states = new Map(); // by their versions
    this.drawing = Promise.resolve();
    this.tick = null;
    this.onVisible = () => document.hidden || this.tick === null || this.ask();
    document.addEventListener("visibilitychange", this.onVisible);
    addStyle();
  }

  receive(component) {
    this.component = component; // the newest one knows to which fragment it belongs
    const message = JSON.parse(new TextDecoder().decode(component.data));
    if (message.version !== this.version) this.take(message, component.data.length);
    this.follow(message.theme);
  }

  take(message, size) {
    const { base, version, patch } = message;
    if (base !== null && !this.states.has(base)) return this.ask(); // its message was lost, or this board is new
    this.state = apply(this.states.get(base), patch);
    this.version = version;
    this.states = new Map([[base, this.states.get(base)], [version, this.state]]); // the next patch is of one of them
    this.tick = message.tick;
    this.drawing = this.drawing.then(() => this.draw()).catch((problem) => this.complain(problem));
    this.drawing.then(() => {
      Object.assign(this.grid.dataset, { version: message.version, received: size });
      this.schedule();
    });
  }

  async draw() {
    const { plotly, min_width, order, charts } = this.state;
    this.grid.style.setProperty("--min-width", `${min_width}px`);
    for (const [name, plot] of this.plots) if (!(name in charts)) this.remove(name, plot);
    order.forEach((name, place) => this.place(name, place));
    const Plotly = await (library ??= load(plotly));
    for (const name of order) await this.plots.get(name)?.draw(Plotly, charts[name]);
    this.notice.textContent = "";
  }

  place(name, place) {
    if (!this.plots.has(name)) this.plots.set(name, new Plot(name));
    const { figure } = this.plots.get(name);
    if (this.grid.children[place] !== figure) this.grid.insertBefore(figure, this.grid.children[place] ?? null);
    this.plots.get(name).describe(this.state.charts[name]);
  }

  remove(name, plot) {
    plot.remove();
    this.plots.delete(name);
  }

  // The next question is asked only after the answer to the last one.
  schedule() {
    clearTimeout(this.timer);
    if (this.tick !== null) this.timer = setTimeout(() => document.hidden || this.ask(), this.tick * 1000);
  }

  // While the page runs, the question waits: Streamlit may lose elements where a fragment's run follows on the heels.
  ask() {
    clearTimeout(this.timer);
    if (isBusy()) return void (this.timer = setTimeout(() => this.ask(), MOMENT));
    this.component.setTriggerValue("tick", { version: this.version });
    if (this.tick !== null) this.timer = setTimeout(() => document.hidden || this.ask(), PATIENCE);
  }

  // Figures that were made for the other theme are asked for once more.
  follow(theme) {
    const here = getComputedStyle(this.parent).colorScheme;
    if (theme === here) this.wanted = null;
    else if (this.wanted !== here) {
      this.wanted = here;
      this.ask();
    }
  }

  complain(problem) {
    this.notice.textContent = `The charts cannot be shown: ${problem.message}`;
  }

  leave() {
    if (this.parent.isConnected) return; // Streamlit also cleans up after a message that a newer one has overtaken
    clearTimeout(this.timer);
    this.tick = null; // for what is still being drawn
    document.removeEventListener("visibilitychange", this.onVisible);
    this.plots.forEach((plot, name) => this.remove(name, plot));
    this.grid.remove();
    this.notice.remove();
    boards.delete(this.parent);
  }
}

class Plot {
  constructor(name) {
    this.name = name;
    this.figure = document.createElement("figure");
    this.node = this.figure.appendChild(document.createElement("div"));
    this.caption = this.figure.appendChild(document.createElement("figcaption"));
    this.node.tabIndex = 0;
    this.node.setAttribute("role", "img");
    this.drawn = 0;
    this.observer = new ResizeObserver(() => requestAnimationFrame(() => this.resize()));
    this.observer.observe(this.figure);
  }

  describe({ alt, caption, wide, figure }) {
    this.figure.dataset.chart = this.name;
    this.figure.classList.toggle("wide", wide);
    this.node.style.height = `${figure.layout.height ?? 330}px`;
    if (this.node.getAttribute("aria-label") !== alt) this.node.setAttribute("aria-label", alt);
    if (this.caption.textContent !== caption) this.caption.textContent = caption;
  }

  async draw(Plotly, { figure }) {
    if (figure === this.content) return;
    this.Plotly = Plotly;
    this.options ??= this.chosen(Plotly); // the same each time: Plotly begins anew with other ones
    this.width ??= this.node.offsetWidth; // Plotly.react keeps the width of the first drawing
    await Plotly.react(this.node, figure.data.map(copy), structuredClone(figure.layout), this.options);
    this.content = figure;
    this.figure.dataset.drawn = this.drawn += 1;
    this.resize();
  }

  chosen({ Icons }) {
    const button = (format, icon) => ({
      name: format,
      title: `Save as ${format.toUpperCase()}`,
      icon,
      click: () => this.save(format),
    });
    const buttons = [
      ["zoom2d", "pan2d", "resetScale2d"],
      [button("png", Icons.camera), button("svg", Icons.disk)],
    ];
    return { displaylogo: false, modeBarButtons: buttons };
  }

  save(format) {
    const { layout, offsetWidth: width, offsetHeight: height } = this.node;
    const filename = (layout.title?.text ?? this.name).replace(/[^\p{Letter}\p{Number}]+/gu, "_");
    const scale = format === "png" ? 2 : 1;
    return this.Plotly.downloadImage(this.node, { format, filename, width, height, scale });
  }

  resize() {
    const width = this.node.offsetWidth;
    if (!this.drawn || !width || width === this.width) return;
    this.width = width;
    this.Plotly.Plots.resize(this.node);
  }

  remove() {
    this.observer.disconnect();
    this.Plotly?.purge(this.node);
    this.figure.remove();
  }
}

// What a patch of patches.py makes of a value; what it leaves alone stays the very same object.
export function apply(value, patch) {
  if (patch === null) return value;
  if ("set" in patch) return patch.set;
  if ("add" in patch) return [...value.slice(0, patch.keep), ...patch.add];
  if ("items" in patch) return patch.items.map((item) => applyItem(value, item));
  const kept = Object.entries(value).filter(([name]) => !patch.gone.includes(name));
  const changed = Object.entries(patch.members).map(([name, change]) => [name, apply(value[name], change)]);
  return Object.fromEntries([...kept, ...changed]);
}

function applyItem(items, item) {
  if (typeof item === "number") return items[item];
  return Array.isArray(item) ? apply(items[item[0]], item[1]) : item.set;
}

// Plotly writes into the objects of a trace, and takes an array for changed when it is another array.
function copy(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copy(part)]));
}

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(address, document.baseURI);
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      library = undefined; // the next message tries again
      script.remove();
      reject(new Error(`${address} could not be loaded from the server.`));
    };
    document.head.append(script);
  });
}

// The page runs, or is about to.
function isBusy() {
  const isRunning = document.querySelector("[data-testid='stApp']")?.dataset.testScriptState === "running";
  return isRunning || performance.now() < touched + REACTION;
}

function addStyle() {
  if (document.getElementById("board-style")) return;
  const style = document.createElement("style");
  style.id = "board-style";
  style.textContent = STYLE;
  document.head.append(style);
}
