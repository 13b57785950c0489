// Playback, keys and buttons; and what is shown of a frame.

const $ = (id) => document.getElementById(id);
const SPEEDS = [0.1, 0.25, 0.5, 1, 2];
const MIDDLE_HEIGHT = 0.92;

/** The page's colours, as its style sheet sets them for light or dark. */
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => {
    const digits = style.getPropertyValue(name).trim().slice(1);
    return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16) / 255);
  };
  const sides = (name) =>
    Object.fromEntries(["left", "right", "middle"].map((s) => [s, colour(`--${name}-${s}`)]));
  return {
    ground: colour("--ground"), line: [...colour("--line"), 0.55],
    skin: [...colour("--skin"), 0.62], shadow: [0, 0, 0, Number(style.getPropertyValue("--shadow"))],
    result: sides("result"), teacher: sides("teacher"), student: sides("student"),
    again: Object.fromEntries(["left", "right", "middle"].map((s) => [s, colour("--again")])),
  };
}

class Player {
  constructor(motion) {
    Object.assign(this, { motion, time: 0, playing: false, speed: 1, dirty: true, shown: {} });
    this.names = Object.keys(motion.skeletons);
    this.names.forEach((name, i) => (this.shown[name] = i === 0));
    Object.assign(this.shown, { mesh: true, follow: true, apart: true, again: false });
    this.orbit = new Orbit(motion.distance, MIDDLE_HEIGHT * motion.scale);
    this.theme = readTheme();
    this.flat = new FlatPicture($("flat"), motion);
    this.body = motion.body ? new SkinnedBody(motion) : null;
    try {
      this.scene = new Scene($("scene"), this.body && this.body.faces);
    } catch (error) {
      $("trouble").textContent = `The 3D picture needs WebGL 2, which this browser lacks here.`;
      $("trouble").hidden = false;
    }
    this.wireBar();
    this.wireToggles();
    this.wireMouse();
    this.wireKeys();
    this.wireScreen();
  }

  get last() {
    return this.motion.frames - 1;
  }

  /** The frame of the time; in a gap the one before it. */
  get frame() {
    let [low, high] = [0, this.last];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.clock(middle) <= this.time + 1e-6) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** A frame's number in the video, from the first one on. */
  number(frame) {
    const { numbers, stride } = this.motion;
    return numbers ? numbers[frame] : frame * stride;
  }

  /** When a frame is, in seconds. */
  clock(frame) {
    return this.number(frame) / (this.motion.fps * this.motion.stride);
  }

  seek(frame) {
    this.time = this.clock(Math.min(this.last, Math.max(0, frame)));
    this.dirty = true;
  }

  step(frames) {
    this.play(false);
    this.seek(this.frame + frames);
    this.say();
  }

  play(on) {
    if (on && this.frame >= this.last) this.time = 0;
    this.playing = on;
    this.then = undefined;
    $("play").textContent = on ? "❚❚" : "►";
    $("play").setAttribute("aria-label", on ? "Pause" : "Play");
    $("play").title = `${on ? "Pause" : "Play"} (space)`;
    this.dirty = true;
  }

  begin(asked) {
    if (asked.has("frame")) this.seek(Number(asked.get("frame")) || 0);
    if (asked.has("view")) this.press(`[data-view="${CSS.escape(asked.get("view"))}"]`);
    if (!asked.has("show")) return;
    const wanted = asked.get("show").split(",");
    for (const box of document.querySelectorAll("[data-toggle]"))
      if (box.checked !== wanted.includes(box.dataset.toggle)) box.click();
  }

  /** For screen readers, when playback rests. */
  say() {
    $("told").textContent = `${this.reading()}, ${this.playing ? "playing" : "paused"}`;
  }

  reading() {
    const seconds = this.clock(this.frame).toFixed(2);
    return `${seconds} s, frame ${this.motion.first_frame + this.number(this.frame)}`;
  }

  tick(now) {
    if (this.playing) {
      if (this.then !== undefined) this.time += ((now - this.then) / 1000) * this.speed;
      this.then = now;
      if (this.time >= this.clock(this.last) + 1 / this.motion.fps) this.time = 0;
      this.dirty = true;
    }
    if (this.dirty) this.draw();
    requestAnimationFrame((later) => this.tick(later));
  }

  draw() {
    this.dirty = false;
    const { frame } = this;
    this.flat.draw(frame, this.theme, this.shown.again);
    this.drawScene(frame);
    $("bar").value = frame;
    $("bar").setAttribute("aria-valuetext", this.reading());
    $("reading").textContent = this.reading();
    document.body.dataset.frame = frame;
  }

  drawScene(frame) {
    if (!this.scene) return;
    const { motion, shown, orbit } = this;
    fitCanvas($("scene"));
    if (shown.follow) this.aim(frame);
    const visible = this.names.filter((name) => shown[name]);
    const places = this.places(visible);
    const limbs = visible.flatMap((name) => this.limbs(name, frame, places[name]));
    const mesh = shown.mesh && this.body;
    if (mesh) this.body.pose(frame);
    const shift = places[this.names[0]] || [0, 0, 0];
    this.scene.draw({ limbs, mesh: mesh && this.body, shift, theme: this.theme, orbit });
    this.label(visible, places, frame);
  }

  /** Where each skeleton stands beside its own place: the result in the middle. */
  places(visible) {
    const order = [this.names[1], this.names[0], this.names[2]].filter((n) => visible.includes(n));
    const { right } = this.orbit.axes();
    const step = this.shown.apart && order.length > 1 ? 1.3 * this.motion.scale : 0;
    const middle = (order.length - 1) / 2;
    this.orbit.wide = 1 + (step ? 0.28 * middle * 2 : 0);
    return Object.fromEntries(
      order.map((name, i) => [name, right.map((axis) => axis * step * (i - middle))]));
  }

  aim(frame) {
    const { data } = this.motion.arrays.aim;
    this.orbit.target = [data[2 * frame], MIDDLE_HEIGHT * this.motion.scale, data[2 * frame + 1]];
  }

  joint(name, frame, joint, shift) {
    const { data } = this.motion.arrays[name];
    const at = 3 * (frame * this.motion.lifted.joints.length + joint);
    return [data[at] + shift[0], data[at + 1] + shift[1], data[at + 2] + shift[2]];
  }

  limbs(name, frame, shift) {
    const { joints, bones } = this.motion.lifted;
    const colours = this.theme[this.motion.skeletons[name].colours];
    const thin = (name === this.names[0] ? 0.017 : 0.014) * this.motion.scale;
    const place = (joint) => this.joint(name, frame, joint, shift);
    const sticks = bones.map(({ ends: [a, b], side }) => (
      { from: place(a), to: place(b), radius: thin, colour: colours[side] }));
    const balls = joints.map((side, joint) => (
      { from: place(joint), to: place(joint), radius: 1.7 * thin, colour: colours[side] }));
    return [...sticks, ...balls].filter(({ from, to }) => [...from, ...to].every(Number.isFinite));
  }

  /** Names over the heads, where several skeletons stand side by side. */
  label(visible, places, frame) {
    const box = $("labels"), canvas = $("scene");
    const several = visible.length > 1 && this.shown.apart;
    const view = this.orbit.matrix(canvas.clientWidth / canvas.clientHeight);
    for (const name of this.names) {
      const tag = box.querySelector(`[data-name="${name}"]`);
      tag.hidden = !several || !visible.includes(name);
      if (tag.hidden) continue;
      const [x, y, z] = this.joint(name, frame, this.motion.lifted.head, places[name]);
      const above = y + 0.16 * this.motion.scale;
      const row = (i) => view[i] * x + view[4 + i] * above + view[8 + i] * z + view[12 + i];
      tag.style.left = `${50 * (1 + row(0) / row(3))}%`;
      tag.style.top = `${50 * (1 - row(1) / row(3))}%`;
    }
  }

  wireBar() {
    const bar = $("bar");
    bar.max = this.last;
    bar.addEventListener("input", () => {
      this.play(false);
      this.seek(Number(bar.value));
    });
    bar.addEventListener("change", () => this.say());
    $("play").addEventListener("click", () => {
      this.play(!this.playing);
      this.say();
    });
    $("back").addEventListener("click", () => this.step(-1));
    $("next").addEventListener("click", () => this.step(1));
    $("speed").addEventListener("change", () => (this.speed = Number($("speed").value)));
  }

  wireToggles() {
    const toggles = document.querySelectorAll("[data-toggle]");
    for (const box of toggles) {
      box.checked = this.shown[box.dataset.toggle];
      box.addEventListener("change", () => {
        this.shown[box.dataset.toggle] = box.checked;
        this.dirty = true;
      });
    }
    const views = { front: [0, 0.05], side: [Math.PI / 2, 0.05], back: [Math.PI, 0.05], top: [0, 1.5] };
    for (const button of document.querySelectorAll("[data-view]"))
      button.addEventListener("click", () => {
        this.orbit.reset();
        [this.orbit.azimuth, this.orbit.elevation] = views[button.dataset.view];
        this.dirty = true;
      });
  }

  wireMouse() {
    const canvas = $("scene"), fingers = new Map();
    const spread = () => {
      const [a, b] = [...fingers.values()];
      return Math.hypot(a.x - b.x, a.y - b.y);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    canvas.addEventListener("pointermove", (event) => {
      const old = fingers.get(event.pointerId);
      if (!old) return;
      const before = fingers.size === 2 ? spread() : 0;
      const [dx, dy] = [event.clientX - old.x, event.clientY - old.y];
      Object.assign(old, { x: event.clientX, y: event.clientY });
      if (before) this.orbit.zoom(before / spread());
      else if (event.shiftKey || event.buttons & 6)
        this.orbit.move(dx / canvas.clientHeight, dy / canvas.clientHeight);
      else this.orbit.turn(0.008 * dx, 0.008 * dy);
      this.dirty = true;
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.orbit.zoom(Math.exp(0.0012 * event.deltaY));
      this.dirty = true;
    }, { passive: false });
  }

  wireKeys() {
    const actions = {
      " ": () => $("play").click(), Home: () => this.step(-this.last), End: () => this.step(this.last),
      ArrowLeft: (event) => this.step(event.shiftKey ? -10 : -1),
      ArrowRight: (event) => this.step(event.shiftKey ? 10 : 1),
      "[": () => this.hurry(-1), "]": () => this.hurry(1), r: () => this.orbit.reset(),
      "+": () => this.orbit.zoom(0.9), "-": () => this.orbit.zoom(1.1),
      f: () => this.press('[data-view="front"]'), s: () => this.press('[data-view="side"]'),
      b: () => this.press('[data-view="back"]'), t: () => this.press('[data-view="top"]'),
      m: () => this.press('[data-toggle="mesh"]'), c: () => this.press('[data-toggle="follow"]'),
    };
    const turns = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { target, key } = event;
      const own = target.matches("select, summary") || (key === " " && target.matches("button, input"));
      if (own || (target.id === "bar" && key !== " ")) return;
      const turn = target.id === "scene" && turns[key];
      const act = turn ? () => this.orbit.turn(...turn) : actions[key];
      if (!act) return;
      event.preventDefault();
      act(event);
      this.dirty = true;
    });
  }

  press(selector) {
    const control = document.querySelector(selector);
    if (control) control.click();
  }

  hurry(steps) {
    const at = SPEEDS.indexOf(this.speed) + steps;
    if (!(at in SPEEDS)) return;
    this.speed = SPEEDS[at];
    $("speed").value = String(this.speed);
  }

  wireScreen() {
    const again = () => {
      this.theme = readTheme();
      this.dirty = true;
    };
    new ResizeObserver(again).observe($("scene"));
    new ResizeObserver(again).observe($("flat"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    $("scene").addEventListener("webglcontextrestored", () => location.reload());
  }
}

/** Starts as the address asks: #frame=40&show=result,teacher,apart&view=side, then still. */
async function start() {
  const player = new Player(await readMotion());
  const asked = new URLSearchParams(location.hash.slice(1));
  player.begin(asked);
  const quiet = matchMedia("(prefers-reduced-motion: reduce)").matches;
  player.play(!asked.has("frame") && !quiet);
  player.tick(performance.now());
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  $("trouble").textContent = `The motion cannot be shown: ${error.message}`;
  $("trouble").hidden = false;
  throw error;
});
