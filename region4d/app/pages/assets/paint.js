// How marks look. A mark is {region, frame} with one of box: [x0, y0, x1, y1], point: [x, y], stroke: [[x, y], ...]
// with radius (and erase), mask: run lengths column by column, or click: [x, y] (and inside), in pixels of the clip.
const canvas = element.querySelector("canvas"), pen = canvas.getContext("2d");
const layers = [0, 1].map(() => document.createElement("canvas").getContext("2d"));  // a region, and its outline
const decoded = new WeakMap();

const colour = (k) => `rgb(${props.palette[k % props.palette.length].join(",")})`;
const disc = () => 0.02 * Math.min(props.clip.width, props.clip.height);

// A mask as a picture, with its corner.
function decode(mark) {
  if (decoded.has(mark)) return decoded.get(mark);
  const { width, height } = props.clip, picture = new OffscreenCanvas(width, height), ink = picture.getContext("2d");
  const image = ink.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  const [red, green, blue] = props.palette[mark.region % props.palette.length];
  const shade = (255 << 24 | blue << 16 | green << 8 | red) >>> 0;  // bytes of a pixel, lowest first
  let at = 0, left = width, top = height;
  mark.mask.forEach((run, k) => {
    for (const end = at + run; at < end; at += 1) {
      if (k % 2 === 0) continue;
      const x = Math.floor(at / height), y = at % height;
      pixels[y * width + x] = shade;
      left = Math.min(left, x);
      top = Math.min(top, y);
    }
  });
  ink.putImageData(image, 0, 0);
  decoded.set(mark, { picture, corner: [left, top] });
  return decoded.get(mark);
}

// The top-left corner of a mark.
function corner(mark) {
  if (mark.box) return [mark.box[0], mark.box[1]];
  if (mark.mask) return decode(mark).corner;
  const points = mark.stroke || [mark.point], radius = mark.stroke ? mark.radius : disc();
  return [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])) - radius);
}

function fill(ink, mark) {
  ink.globalCompositeOperation = mark.erase ? "destination-out" : "source-over";
  if (mark.box) ink.fillRect(mark.box[0], mark.box[1], mark.box[2] - mark.box[0], mark.box[3] - mark.box[1]);
  else if (mark.mask) ink.drawImage(decode(mark).picture, 0, 0);
  else {
    const points = mark.stroke || [mark.point];
    ink.lineCap = ink.lineJoin = "round";
    ink.lineWidth = 2 * (mark.stroke ? mark.radius : disc());
    ink.beginPath();
    ink.moveTo(points[0][0] + 0.01, points[0][1]);  // a line of no length is not drawn
    points.forEach((point) => ink.lineTo(...point));
    ink.stroke();
  }
}

// Paint a region, and give the function that paints its label, which stays above other regions.
function paintRegion(k, marks) {
  const drawn = marks.filter((mark) => !mark.click), zoom = canvas.width / props.clip.width;
  if (!drawn.some((mark) => !mark.erase)) return () => {};
  const [inside, edge] = layers, line = Math.max(1.5, canvas.width / 400);
  layers.forEach((ink) => {
    ink.setTransform(1, 0, 0, 1, 0, 0);
    ink.globalCompositeOperation = "source-over";
    ink.clearRect(0, 0, canvas.width, canvas.height);
  });
  inside.fillStyle = inside.strokeStyle = colour(k);
  inside.setTransform(zoom, 0, 0, zoom, 0, 0);
  drawn.forEach((mark) => fill(inside, mark));
  for (let turn = 0; turn < 8; turn += 1) {
    edge.drawImage(inside.canvas, line * Math.cos(turn * Math.PI / 4), line * Math.sin(turn * Math.PI / 4));
  }
  edge.globalCompositeOperation = "destination-out";
  edge.drawImage(inside.canvas, 0, 0);
  pen.globalAlpha = 0.3;
  pen.drawImage(inside.canvas, 0, 0);
  pen.globalAlpha = 1;
  pen.drawImage(edge.canvas, 0, 0);
  const corners = drawn.filter((mark) => !mark.erase).map(corner);
  const place = [0, 1].map((axis) => zoom * Math.min(...corners.map((each) => each[axis])));
  return () => paintLabel(k, ...place);
}

function paintLabel(k, x, y) {
  const size = Math.max(14, canvas.width / 34);
  pen.font = `600 ${size}px system-ui, sans-serif`;
  const wide = pen.measureText(k).width + size * 0.6;
  const left = Math.min(canvas.width - wide, Math.max(0, x)), top = Math.max(0, y - size * 1.25);
  pen.fillStyle = colour(k);
  pen.fillRect(left, top, wide, size * 1.25);
  pen.fillStyle = "#1e1e1e";
  pen.textBaseline = "middle";
  pen.fillText(k, left + size * 0.3, top + size * 0.66);
}

// A circle with a light and a dark rim, legible on any picture; `sign` is written into it.
function ring(x, y, radius, sign, tint) {
  const zoom = canvas.width / props.clip.width, line = Math.max(1.5, canvas.width / 500);
  pen.beginPath();
  pen.arc(x * zoom, y * zoom, radius, 0, 2 * Math.PI);
  if (tint) { pen.fillStyle = tint; pen.fill(); }
  [["#000", 2 * line], ["#fff", line]].forEach(([shade, width]) => {
    pen.strokeStyle = shade;
    pen.lineWidth = width;
    pen.stroke();
  });
  if (!sign) return;
  pen.fillStyle = "#1e1e1e";
  pen.font = `700 ${1.6 * radius}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  pen.fillText(sign, x * zoom, y * zoom);
  pen.textAlign = "start";
}

// The line between the first two points.
function paintLine(points) {
  const zoom = canvas.width / props.clip.width, line = Math.max(1.5, canvas.width / 400);
  [["#000", 3 * line, []], ["#fff", line, [4 * line, 3 * line]]].forEach(([shade, width, dash]) => {
    pen.strokeStyle = shade;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(...points[0].map((v) => v * zoom));
    pen.lineTo(...points[1].map((v) => v * zoom));
    pen.stroke();
  });
  pen.setLineDash([]);
}

function paint(picture, marks) {
  layers.filter((ink) => ink.canvas.width !== canvas.width || ink.canvas.height !== canvas.height).forEach((ink) => {
    ink.canvas.width = canvas.width;
    ink.canvas.height = canvas.height;
  });
  pen.imageSmoothingEnabled = canvas.width < 2 * props.clip.width;
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const points = marks.filter((mark) => mark.point).map((mark) => mark.point);
  if (props.measures && points.length === 2) paintLine(points);
  const drawn = [...new Set(marks.map((mark) => mark.region))].sort((a, b) => a - b);
  drawn.map((k) => paintRegion(k, marks.filter((mark) => mark.region === k))).forEach((label) => label());
  marks.filter((mark) => mark.click).forEach((mark) => {
    ring(...mark.click, Math.max(7, canvas.width / 110), mark.inside === false ? "−" : "+", colour(mark.region));
  });
}
