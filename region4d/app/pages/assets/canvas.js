// A canvas with boxes. `props.value` is a list of {region, frame, box: [x0, y0, x1, y1]} in pixels of the clip.
const find = (selector) => element.querySelector(selector);
const canvas = find("canvas"), pen = canvas.getContext("2d");
const slider = find("input[type=range]");
let boxes = [], past = [], pictures = [], frame = 0, region = 0, drag = null;

const colour = (k) => `rgb(${props.palette[k % props.palette.length].join(",")})`;
const regions = () => [...new Set(boxes.map((box) => box[0]))].sort((a, b) => a - b);
const lowestFree = () => { const used = regions(); let k = 0; while (used.includes(k)) k += 1; return k; };

function keep(changed) {
  past.push(boxes);
  boxes = changed;
  send();
}

const written = () => boxes.map(([region, frame, ...box]) => ({ region, frame, box }));

function send() {
  props.value = written();
  show();
}

function paint(box, dashed) {
  const zoom = canvas.width / props.clip.width, [k, , x0, y0, x1, y1] = box;
  const [x, y, w, h] = [x0, y0, x1 - x0, y1 - y0].map((v) => v * zoom);
  const line = Math.max(2, canvas.width / 260);
  pen.strokeStyle = colour(k);
  pen.fillStyle = colour(k);
  pen.lineWidth = line;
  pen.setLineDash(dashed ? [3 * line, 2 * line] : []);
  pen.globalAlpha = 0.18;
  pen.fillRect(x, y, w, h);
  pen.globalAlpha = 1;
  pen.strokeRect(x, y, w, h);
  const size = Math.max(14, canvas.width / 34);
  pen.font = `600 ${size}px system-ui, sans-serif`;
  const wide = pen.measureText(k).width + size * 0.6, top = Math.max(0, y - size * 1.25);
  pen.fillRect(x, top, wide, size * 1.25);
  pen.fillStyle = "#1e1e1e";
  pen.textBaseline = "middle";
  pen.fillText(k, x + size * 0.3, top + size * 0.66);
}

function draw() {
  if (!props.clip || !pictures[frame]) return;
  pen.imageSmoothingEnabled = canvas.width < 2 * props.clip.width;
  pen.drawImage(pictures[frame], 0, 0, canvas.width, canvas.height);
  boxes.filter((box) => box[1] === frame).forEach((box) => paint(box, false));
  if (drag) paint([region, frame, ...corners(drag)], true);
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
  const known = regions(), all = [...new Set([...known, region])].sort((a, b) => a - b);
  find(".r4d-regions").replaceChildren(...all.map((k) => {
    const drawn = boxes.filter((box) => box[0] === k).length;
    const button = chip(k, `region ${k}`, `Draw region ${k} (${drawn} boxes)`, k === region);
    button.onclick = () => { region = k; show(); };
    return button;
  }));
  find(".r4d-mentions").replaceChildren(...known.map((k) => {
    const button = chip(k, `<region${k}>`, `Insert <region${k}>`, null);
    button.onclick = () => insert(`<region${k}>`);
    return button;
  }));
  find(".r4d-inserts").hidden = !known.length || !props.question;
  find(".r4d-add").disabled = !known.includes(region) || lowestFree() >= props.most;
  find(".r4d-undo").disabled = !past.length;
  find(".r4d-clear").disabled = !boxes.length;
  find(".r4d-hint").textContent = known.includes(region)
    ? `Region ${region} is drawn on ${boxes.filter((box) => box[0] === region).length} frame(s). Drag to redraw it here, or add a region.`
    : `Drag a box around an object: it becomes region ${region}.`;
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
  const inside = (v, most) => Math.min(most, Math.max(0, v));
  return [
    inside((event.clientX - bounds.left) / bounds.width * width, width),
    inside((event.clientY - bounds.top) / bounds.height * height, height),
  ];
}

const corners = ([x0, y0, x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
const rounded = (box) => box.map((v) => Math.round(10 * v) / 10);

function add(box) {
  keep([...boxes.filter((old) => old[0] !== region || old[1] !== frame), [region, frame, ...rounded(box)]]);
}

canvas.onpointerdown = (event) => {
  if (event.button) return;
  canvas.setPointerCapture(event.pointerId);
  drag = [...place(event), ...place(event)];
  event.preventDefault();
  canvas.focus({ preventScroll: true });
};
canvas.onpointermove = (event) => {
  if (!drag) return;
  [drag[2], drag[3]] = place(event);
  draw();
};
canvas.onpointerup = () => {
  if (!drag) return;
  const box = corners(drag);
  drag = null;
  if (box[2] - box[0] >= 2 && box[3] - box[1] >= 2) add(box);
  else show();
};
canvas.onpointercancel = () => { drag = null; draw(); };
canvas.onkeydown = (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) { go(frame + step); event.preventDefault(); }
  if (event.key === "z" && (event.ctrlKey || event.metaKey)) { undo(); event.preventDefault(); }
};

function go(to) {
  frame = Math.min(props.clip.pictures.length - 1, Math.max(0, to));
  show();
}

function undo() {
  if (!past.length) return;
  boxes = past.pop();
  send();
}

slider.oninput = () => go(Number(slider.value));
find(".r4d-add").onclick = () => { region = lowestFree(); show(); };
find(".r4d-undo").onclick = undo;
find(".r4d-clear").onclick = () => { region = 0; keep([]); };
find(".r4d-typed").onsubmit = (event) => {
  event.preventDefault();
  const numbers = event.target.box.value.split(/[\s,]+/).filter(Boolean).map(Number);
  const hint = find(".r4d-hint"), { width, height } = props.clip;
  const [x0, y0, x1, y1] = numbers;
  if (numbers.length !== 4 || !numbers.every(Number.isFinite) || !(x0 < x1 && y0 < y1) || x0 >= width || y0 >= height || x1 <= 0 || y1 <= 0) {
    hint.textContent = `A box needs x0, y0, x1, y1 inside ${width} x ${height} pixels, for example 10, 20, 60, 80.`;
    return;
  }
  add([Math.max(0, x0), Math.max(0, y0), Math.min(width, x1), Math.min(height, y1)]);
  event.target.reset();
};

async function load() {
  pictures = [];
  frame = 0;
  region = 0;
  past = [];
  drag = null;
  if (!props.clip) return show();
  const { width, height } = props.clip, zoom = Math.max(1, Math.min(4, Math.round(960 / width)));
  canvas.width = width * zoom;
  canvas.height = height * zoom;
  const wanted = props.clip;
  const read = await Promise.all(wanted.pictures.map((url) => new Promise((done) => {
    const picture = new Image();
    picture.onload = picture.onerror = () => done(picture);
    picture.src = url;
  })));
  if (wanted.pictures[0] === props.clip.pictures[0]) { pictures = read; show(); }
}

const take = () => { boxes = (props.value || []).map((mark) => [mark.region, mark.frame, ...mark.box]); };
watch("clip", () => { take(); load(); });
watch("value", () => {
  if (JSON.stringify(props.value) === JSON.stringify(written())) return;
  if (boxes.length) past.push(boxes);
  take();
  region = 0;
  if (boxes.length) frame = Math.min(...boxes.map((box) => box[1]));
  show();
});
take();
load();
