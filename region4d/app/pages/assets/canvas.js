// A canvas of marks: what is drawn, the tools, the keys. `props.value` is the list of marks, which paint.js shows.
const find = (selector) => element.querySelector(selector);
const slider = find(".r4d-scrub input"), sizes = find(".r4d-size input");
const MOST_PAST = 100, LONGEST = 400;  // steps that Undo remembers; points of one stroke
const KEYS = { b: "box", r: "brush", e: "erase", p: "point", c: "click" };
const HINTS = {
  box: "Drag a box around an object",
  brush: "Paint over an object",
  erase: "Take away from the region",
  point: "Click on an object",
  click: "Click on an object; with Shift, on what does not belong to it",
};
let marks = [], past = [], pictures = [], frame = 0, region = 0, tool = props.tools[0], radius = 8;
let drag = null, hover = null, waiting = false, drawing = false;

const here = (k) => marks.filter((mark) => mark.region === k && mark.frame === frame);
const regions = () => [...new Set(marks.map((mark) => mark.region))].sort((a, b) => a - b);
const lowestFree = () => { const used = regions(); let k = 0; while (used.includes(k)) k += 1; return k; };
const strokes = () => tool === "brush" || tool === "erase";

function keep(changed) {
  past = [...past.slice(-MOST_PAST), marks];
  marks = changed;
  waiting = false;
  send();
}

function send() {
  props.value = marks;
  show();
}

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (!props.clip || !pictures[frame]) return;
    paint(pictures[frame], [...marks.filter((mark) => mark.frame === frame), ...(drag || [])]);
    if (hover && strokes()) ring(...hover, radius * canvas.width / props.clip.width);
  });
}

function chip(k, text, title, pressed) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.title = title;
  button.className = "r4d-chip";
  button.style.setProperty("--region", colour(k));
  if (pressed !== null) button.setAttribute("aria-pressed", pressed);
  return button;
}

function hint() {
  if (waiting) return "Looking for the object ...";
  if (props.measures) return ["Click on a first point.", "Click on a second point, on this frame or another."][marks.length]
    || "Click again to measure anew.";
  if (tool === "erase" && !here(region).length) return `Nothing of region ${region} is on this frame.`;
  const on = new Set(marks.filter((mark) => mark.region === region).map((mark) => mark.frame)).size;
  return on ? `${HINTS[tool]}. Region ${region} is on ${on} frame${on > 1 ? "s" : ""}.` : `${HINTS[tool]}: it becomes region ${region}.`;
}

function show() {
  const open = Boolean(props.clip);
  find(".r4d-nothing").hidden = open;
  find(".r4d-work").hidden = !open;
  if (!open) return;
  const count = props.clip.pictures.length;
  slider.max = count - 1;
  slider.value = frame;
  find(".r4d-scrub").hidden = count < 2;
  find(".r4d-frame").textContent = `frame ${frame} of ${count} · ${props.clip.seconds[frame].toFixed(2)} s`;
  element.querySelectorAll("[data-tool]").forEach((button) => {
    button.hidden = !props.tools.includes(button.dataset.tool);
    button.setAttribute("aria-pressed", button.dataset.tool === tool);
  });
  find(".r4d-kinds").hidden = props.tools.length < 2;
  find(".r4d-size").style.visibility = strokes() ? "" : "hidden";  // its room stays, so that the frame does not jump
  find(".r4d-size span").textContent = `size ${radius}`;
  sizes.value = radius;
  const known = regions(), all = props.measures ? [] : [...new Set([...known, region])].sort((a, b) => a - b);
  find(".r4d-regions").replaceChildren(...all.map((k) => {
    const button = chip(k, `region ${k}`, `Draw region ${k} (key ${k})`, k === region);
    button.onclick = () => { region = k; show(); };
    return button;
  }));
  find(".r4d-mentions").replaceChildren(...known.map((k) => {
    const button = chip(k, `<region${k}>`, `Insert <region${k}>`, null);
    button.onclick = () => insert(`<region${k}>`);
    return button;
  }));
  find(".r4d-inserts").hidden = !known.length || !props.question;
  find(".r4d-add").hidden = props.measures;
  find(".r4d-add").disabled = !known.includes(region) || lowestFree() >= props.most;
  find(".r4d-undo").disabled = !past.length;
  find(".r4d-clear").disabled = !marks.length;
  find(".r4d-hint").textContent = hint();
  const pair = props.measures || tool === "point" || tool === "click";
  find(".r4d-type").textContent = pair ? "Type a point" : "Type a box";
  find(".r4d-typed input").placeholder = `${pair ? "x, y" : "x0, y0, x1, y1"} in pixels`;
  find(".r4d-typed input").setAttribute("aria-label", `${pair ? "Point: x, y" : "Box: x0, y0, x1, y1"} in pixels`);
  canvas.setAttribute("aria-label", `Frame ${frame}. ${hint()}`);
  draw();
}

function insert(text) {
  const field = document.querySelector(props.question);
  if (!field) return;
  const start = field.selectionStart ?? field.value.length, end = field.selectionEnd ?? start;
  field.value = field.value.slice(0, start) + text + field.value.slice(end);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
  field.setSelectionRange(start + text.length, start + text.length);
}

function place(event) {
  const bounds = canvas.getBoundingClientRect(), { width, height } = props.clip;
  const inside = (v, most) => Math.round(10 * Math.min(most - 0.1, Math.max(0, v))) / 10;
  return [
    inside((event.clientX - bounds.left) / bounds.width * width, width),
    inside((event.clientY - bounds.top) / bounds.height * height, height),
  ];
}

function start(point, outside) {
  const mark = { region, frame };
  if (props.measures) {
    const anew = marks.length > 1;
    keep([...(anew ? [] : marks), { region: anew ? 0 : marks.length, frame, point }]);
    if (marks.length === 2) trigger("submit");
  } else if (tool === "point") keep([...marks, { ...mark, point }]);
  else if (tool === "click") {
    keep([...marks, { ...mark, click: point, ...(outside ? { inside: false } : {}) }]);
    waiting = true;
    show();
    trigger("submit");
  } else if (tool === "box") drag = [{ ...mark, box: [...point, ...point], from: point }];
  else if (tool === "brush" || here(region).length) drag = [stroke([point])];
}

const stroke = (points) => ({ region, frame, stroke: points, radius, ...(tool === "erase" ? { erase: true } : {}) });

function extend(point) {
  const last = drag[drag.length - 1];
  if (last.box) {
    last.box = [0, 1].map((axis) => Math.min(last.from[axis], point[axis]))
      .concat([0, 1].map((axis) => Math.max(last.from[axis], point[axis])));
    return;
  }
  const end = last.stroke[last.stroke.length - 1];
  if (Math.hypot(point[0] - end[0], point[1] - end[1]) < Math.max(1, last.radius / 4)) return;
  last.stroke.push(point);
  if (last.stroke.length >= LONGEST) drag.push(stroke([point]));
}

function finish() {
  const done = drag;
  drag = null;
  const { from, ...first } = done[0];
  if (from && (first.box[2] - first.box[0] < 2 || first.box[3] - first.box[1] < 2)) show();
  else keep([...marks, first, ...done.slice(1)]);
}

canvas.onpointerdown = (event) => {
  if (event.button || !event.isPrimary || waiting) return;
  canvas.setPointerCapture(event.pointerId);
  hover = place(event);
  start(hover, event.shiftKey);
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  draw();
};
canvas.onpointermove = (event) => {
  if (!event.isPrimary) return;
  hover = place(event);
  if (drag) (event.getCoalescedEvents?.() || [event]).concat(event).forEach((each) => extend(place(each)));
  draw();
};
canvas.onpointerup = (event) => {
  if (event.pointerType === "touch") hover = null;
  if (drag) finish();
};
canvas.onpointercancel = () => { drag = hover = null; draw(); };
canvas.onpointerleave = () => { hover = null; draw(); };
canvas.onkeydown = (event) => {
  const key = event.key.toLowerCase(), step = { arrowleft: -1, arrowright: 1 }[key], control = event.ctrlKey || event.metaKey;
  if (control ? key === "z" : key === "u") undo();
  else if (control || event.altKey) return;
  else if (step) go(frame + step);
  else if (props.tools.includes(KEYS[key])) choose(KEYS[key]);
  else if (key === "[" || key === "]") resize(radius + Math.max(1, Math.round(radius / 5)) * (key === "[" ? -1 : 1));
  else if (key === "n" && !find(".r4d-add").disabled) another();
  else if (/^\d$/.test(key) && regions().includes(Number(key)) && !props.measures) { region = Number(key); show(); }
  else return;
  event.preventDefault();
};

function go(to) {
  frame = Math.min(props.clip.pictures.length - 1, Math.max(0, to));
  show();
}

function undo() {
  if (!past.length) return;
  marks = past.pop();
  waiting = false;
  send();
}

function choose(name) { tool = name; show(); }
function another() { region = lowestFree(); show(); }
function resize(to) { radius = Math.min(Number(sizes.max), Math.max(1, to)); show(); }

slider.oninput = () => go(Number(slider.value));
sizes.oninput = () => resize(Number(sizes.value));
element.querySelectorAll("[data-tool]").forEach((button) => { button.onclick = () => choose(button.dataset.tool); });
find(".r4d-add").onclick = another;
find(".r4d-undo").onclick = undo;
find(".r4d-clear").onclick = () => { region = 0; keep([]); };
find(".r4d-typed").onsubmit = (event) => {
  event.preventDefault();
  const numbers = event.target.numbers.value.split(/[\s,]+/).filter(Boolean).map(Number), { width, height } = props.clip;
  const pair = props.measures || tool === "point" || tool === "click", [x0, y0, x1, y1] = numbers;
  const finite = numbers.length === (pair ? 2 : 4) && numbers.every(Number.isFinite);
  const inside = x0 < width && y0 < height && (pair ? x0 >= 0 && y0 >= 0 : x0 < x1 && y0 < y1 && x1 > 0 && y1 > 0);
  if (!finite || !inside) {
    const form = pair ? "A point needs x, y" : "A box needs x0, y0, x1, y1", example = pair ? "40, 60" : "10, 20, 60, 80";
    find(".r4d-hint").textContent = `${form} inside ${width} x ${height} pixels, for example ${example}.`;
    return;
  }
  if (pair) start(numbers, false);
  else keep([...marks, { region, frame, box: [Math.max(0, x0), Math.max(0, y0), Math.min(width, x1), Math.min(height, y1)] }]);
  event.target.reset();
};

async function load() {
  pictures = [];
  frame = 0;
  region = 0;
  past = [];
  drag = hover = null;
  waiting = false;
  if (!props.clip) return show();
  const { width, height } = props.clip, zoom = Math.max(1, Math.min(4, Math.round(960 / width)));
  canvas.width = width * zoom;
  canvas.height = height * zoom;
  sizes.max = Math.max(4, Math.min(500, Math.round(Math.min(width, height) / 4)));
  radius = Math.max(2, Math.round(Math.min(width, height) / 30));
  const wanted = props.clip;
  const read = await Promise.all(wanted.pictures.map((url) => new Promise((done) => {
    const picture = new Image();
    picture.onload = picture.onerror = () => done(picture);
    picture.src = url;
  })));
  if (wanted.pictures[0] === props.clip.pictures[0]) { pictures = read; show(); }
}

const take = () => { marks = props.value || []; };
watch("clip", () => { take(); load(); });
watch("value", () => {
  if (JSON.stringify(props.value) === JSON.stringify(marks)) return;
  if (waiting) waiting = false;  // a segmenter's answer to the last click, which Undo takes back together with it
  else {
    if (marks.length) past = [...past, marks];
    region = 0;
    if (props.value?.length) frame = Math.min(...props.value.map((mark) => mark.frame));
  }
  take();
  show();
});
take();
load();
