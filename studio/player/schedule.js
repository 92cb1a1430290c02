// A schedule, drawn over the clip's time: named shapes to start from, points to drag or to move by keys.
const WIDE = 480, HIGH = 96, EDGE = 10;

function scheduleEditor({ schedule, seconds, colour, name, onchange }) {
  const most = studio.catalogue.limits.points;
  let points = null;
  let chosen = null;
  const x = (time) => EDGE + (time / seconds) * (WIDE - 2 * EDGE);
  const y = (level) => HIGH - EDGE - Math.max(0, Math.min(1, level)) * (HIGH - 2 * EDGE);
  const svg = h("svg.curve", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "group", "aria-label": `Schedule of ${name}: how strong over time` });
  const shape = h("select", { "aria-label": `Shape of the schedule of ${name}` });
  for (const known of [...studio.catalogue.shapes, "breakpoints"])
    shape.append(h("option", { value: known }, known === "breakpoints" ? "drawn" : known.replaceAll("_", " ")));
  const add = h("button.quiet", { type: "button", onclick: addPoint, title: "Add a point" }, "+ point");
  const value = h("output.value", { "aria-live": "off" });
  const box = h("div.schedule", {}, h("div.row", {}, h("label.small", {}, "Schedule ", shape), add, value), svg);

  // Points are as large on a narrow screen as on a wide one.
  new ResizeObserver(() => svg.style.setProperty("--pixel", WIDE / (svg.clientWidth || WIDE))).observe(svg);

  shape.addEventListener("change", () => {
    if (shape.value === "breakpoints" && points.length > most) {
      value.textContent = `this shape has ${points.length} points, ${most} can be drawn: choose a shorter clip or a longer period`;
      shape.value = schedule.shape;
    } else if (shape.value === "breakpoints") {
      onchange({ shape: "breakpoints", points });
      draw();
    } else begin({ shape: shape.value }, true);
  });

  async function begin(given, tell) {
    schedule = given;
    shape.value = given.shape;
    if (given.shape === "breakpoints") {
      points = given.points.map(([time, level]) => [Math.min(time, seconds), level]);
      draw();
    } else {
      try {
        const levels = await studio.quick("schedule_curve", given, seconds);
        if (schedule !== given) return;
        points = simplified(levels.map((level, n) => [(n / (levels.length - 1)) * seconds, level]), 0.02);
        draw(levels);
      } catch (error) {
        value.textContent = error.message;
      }
    }
    if (tell) onchange(given);
  }

  function line(levels) {
    return levels.map((level, n) => `${n ? "L" : "M"}${x((n / (levels.length - 1)) * seconds).toFixed(1)},${y(level).toFixed(1)}`).join("");
  }

  function draw(levels) {
    const path = levels
      ? line(levels)
      : `M${x(0)},${y(points[0][1])}` + points.map(([t, l]) => `L${x(t)},${y(l)}`).join("") + `L${x(seconds)},${y(points.at(-1)[1])}`;
    const marks = [];
    for (let s = 0; s <= seconds + 1e-6; s += seconds > 12 ? 5 : 1)
      marks.push(h("line.grid", { x1: x(s), x2: x(s), y1: EDGE, y2: HIGH - EDGE }));
    svg.replaceChildren(
      ...marks,
      h("path.area", { d: `${path}L${x(seconds)},${y(0)}L${x(0)},${y(0)}Z`, fill: colour }),
      h("path.line", { d: path, stroke: colour }),
      ...(points.length > most ? [] : points.map((point, n) => handle(point, n))),
    );
    add.disabled = points.length >= most;
    if (points.length > most) value.textContent = `${points.length} points: too many to draw by hand (${most})`;
    if (chosen !== null) svg.querySelectorAll(".point")[chosen]?.focus({ preventScroll: true });
  }

  function handle(point, n) {
    const made = h("circle.point", {
      cx: x(point[0]), cy: y(point[1]), fill: colour, tabindex: 0, role: "slider",
      "aria-label": `Point ${n + 1} of ${points.length} of ${name}`,
      "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": point[1].toFixed(2),
      "aria-valuetext": `${point[0].toFixed(1)} seconds, level ${point[1].toFixed(2)}`,
    });
    made.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      svg.setPointerCapture(event.pointerId);
      const drag = (moved) => {
        const frame = svg.getBoundingClientRect();
        const time = (((moved.clientX - frame.left) / frame.width) * WIDE - EDGE) / (WIDE - 2 * EDGE) * seconds;
        const level = (HIGH - EDGE - ((moved.clientY - frame.top) / frame.height) * HIGH) / (HIGH - 2 * EDGE);
        put(n, time, level, false);
      };
      const drop = () => {
        svg.removeEventListener("pointermove", drag);
        svg.removeEventListener("pointerup", drop);
        svg.removeEventListener("pointercancel", drop);
        told();
      };
      svg.addEventListener("pointermove", drag);
      svg.addEventListener("pointerup", drop);
      svg.addEventListener("pointercancel", drop);
    });
    made.addEventListener("focus", () => (chosen = n));
    made.addEventListener("blur", () => (chosen = null));
    made.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
      if (by) put(n, point[0] + by[0] * (event.shiftKey ? 5 : 1), point[1] + by[1] * (event.shiftKey ? 4 : 1), true);
      else if ((event.key === "Delete" || event.key === "Backspace") && points.length > 1) {
        points.splice(n, 1);
        chosen = Math.max(0, n - 1);
        told();
        draw();
      } else return;
      event.preventDefault();
    });
    return made;
  }

  function put(n, time, level, tell) {
    const low = n ? points[n - 1][0] : 0, high = n < points.length - 1 ? points[n + 1][0] : seconds;
    points[n] = [round(Math.max(low, Math.min(high, time))), round(Math.max(0, Math.min(1, level)))];
    value.textContent = `${points[n][0].toFixed(1)} s · ${points[n][1].toFixed(2)}`;
    chosen = n;
    draw();
    if (tell) told();
  }

  function told() {
    shape.value = "breakpoints";
    schedule = { shape: "breakpoints", points: studio.copy(points).map(([t, l]) => [round(t), round(l)]) };
    onchange(schedule);
  }

  function addPoint() {
    if (points.length >= most) return;
    let widest = [0, points[0][0], points[0][0] / 2, points[0][1]];
    points.forEach(([time, level], n) => {
      const next = points[n + 1] ?? [seconds, level];
      if (next[0] - time > widest[1]) widest = [n + 1, next[0] - time, (time + next[0]) / 2, (level + next[1]) / 2];
    });
    points.splice(widest[0], 0, [round(widest[2]), round(widest[3])]);
    chosen = widest[0];
    told();
    draw();
  }

  svg.addEventListener("dblclick", (event) => {
    const frame = svg.getBoundingClientRect();
    const time = (((event.clientX - frame.left) / frame.width) * WIDE - EDGE) / (WIDE - 2 * EDGE) * seconds;
    if (points.length >= most || event.target.classList.contains("point")) return;
    const at = points.findIndex((point) => point[0] > time);
    const place = at < 0 ? points.length : at;
    points.splice(place, 0, [0, 0]);
    put(place, time, (HIGH - EDGE - ((event.clientY - frame.top) / frame.height) * HIGH) / (HIGH - 2 * EDGE), true);
  });

  begin(schedule, false);
  return box;
}

const round = (value) => Math.round(value * 1000) / 1000;

// The fewest points whose straight lines stay within the tolerance (Ramer 1972, Douglas and Peucker 1973).
function simplified(line, tolerance) {
  const [first, last] = [line[0], line.at(-1)];
  let far = 0, where = 0;
  line.forEach(([t, l], n) => {
    const on = first[1] + ((last[1] - first[1]) * (t - first[0])) / (last[0] - first[0] || 1);
    if (Math.abs(l - on) > far) [far, where] = [Math.abs(l - on), n];
  });
  if (far <= tolerance) return [first, last].map(([t, l]) => [round(t), round(l)]);
  return [...simplified(line.slice(0, where + 1), tolerance).slice(0, -1), ...simplified(line.slice(where), tolerance)];
}
