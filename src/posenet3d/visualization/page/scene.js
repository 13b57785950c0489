// The 3D picture: floor, limbs and mesh by WebGL 2, with shadows; and the camera that orbits.

const LIGHT = [0.35, 0.85, 0.45];

/** Turns about a target: azimuth 0 looks from +z, where the filming camera stands. */
class Orbit {
  constructor(distance, height) {
    this.home = { azimuth: 0.45, elevation: 0.12, distance };
    this.target = [0, height, 0];
    this.pan = [0, 0, 0];
    this.wide = 1;  // how much further off, for several skeletons side by side
    this.reset();
  }

  reset() {
    Object.assign(this, this.home);
    this.pan = [0, 0, 0];
  }

  turn(across, up) {
    this.azimuth -= across;
    this.elevation = Math.min(1.55, Math.max(-0.2, this.elevation + up));
  }

  zoom(factor) {
    this.distance = Math.min(60, Math.max(0.4, this.distance * factor));
  }

  move(across, up) {
    const { right, above } = this.axes();
    for (let i = 0; i < 3; i++)
      this.pan[i] += this.distance * (-across * right[i] + up * above[i]);
  }

  axes() {
    const [sa, ca] = [Math.sin(this.azimuth), Math.cos(this.azimuth)];
    const [se, ce] = [Math.sin(this.elevation), Math.cos(this.elevation)];
    return { right: [ca, 0, -sa], above: [-sa * se, ce, -ca * se], back: [sa * ce, se, ca * ce] };
  }

  /** Column-major view-projection matrix. */
  matrix(aspect) {
    const { right, above, back } = this.axes();
    const centre = this.target.map((value, i) => value + this.pan[i]);
    const dot = (axis) => axis[0] * centre[0] + axis[1] * centre[1] + axis[2] * centre[2];
    const f = 1 / Math.tan(0.28), near = 0.05, far = 200;
    const wide = Math.min(1, aspect / 0.7);  // a narrow picture shows as much as a wide one
    const [sx, sy] = [(f * wide) / aspect, f * wide];
    const a = (far + near) / (near - far), b = (2 * far * near) / (near - far);
    const depth = -dot(back) - this.distance * this.wide;
    const out = new Float32Array(16);
    for (let i = 0; i < 3; i++) {
      out[4 * i] = sx * right[i];
      out[4 * i + 1] = sy * above[i];
      out[4 * i + 2] = a * back[i];
      out[4 * i + 3] = -back[i];
    }
    out[12] = -sx * dot(right);
    out[13] = -sy * dot(above);
    out[14] = a * depth + b;
    out[15] = -depth;
    return out;
  }
}

const SURFACE_VERTEX = `#version 300 es
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
uniform mat4 view; uniform vec3 shift; uniform vec3 light; uniform bool flat_on_floor;
out vec3 n;
void main() {
  vec3 place = position + shift;
  if (flat_on_floor) place -= light * (place.y / light.y) - vec3(0.0, 0.003, 0.0);
  n = normal;
  gl_Position = view * vec4(place, 1.0);
}`;

// A unit capsule, drawn once a limb: its half spheres sit at the two ends.
const LIMB_VERTEX = `#version 300 es
layout(location = 0) in vec4 corner;
layout(location = 1) in vec4 from_radius;
layout(location = 2) in vec3 to;
layout(location = 3) in vec3 paint;
uniform mat4 view; uniform vec3 shift; uniform vec3 light; uniform bool flat_on_floor;
out vec3 n; out vec3 colour;
void main() {
  vec3 along = to - from_radius.xyz;
  float reach = length(along);
  vec3 z = reach > 1e-6 ? along / reach : vec3(0.0, 0.0, 1.0);
  vec3 x = normalize(cross(abs(z.y) < 0.9 ? vec3(0.0, 1.0, 0.0) : vec3(1.0, 0.0, 0.0), z));
  n = mat3(x, cross(z, x), z) * corner.xyz;
  vec3 place = mix(from_radius.xyz, to, corner.w) + from_radius.w * n + shift;
  if (flat_on_floor) place -= light * (place.y / light.y) - vec3(0.0, 0.003, 0.0);
  colour = paint;
  gl_Position = view * vec4(place, 1.0);
}`;

const shaded = (inputs, colour) => `#version 300 es
precision highp float;
in vec3 n; ${inputs}
uniform vec3 light; uniform vec3 towards; uniform vec4 shadow; uniform bool flat_on_floor;
out vec4 result;
void main() {
  vec3 m = normalize(n);
  float sun = max(dot(m, normalize(light)), 0.0), sky = 0.5 + 0.5 * m.y;
  float rim = pow(1.0 - abs(dot(m, towards)), 3.0);
  vec4 base = ${colour};
  vec3 lit = base.rgb * (0.42 + 0.22 * sky + 0.46 * sun) + 0.10 * rim;
  result = flat_on_floor ? shadow : vec4(lit, base.a);
}`;
const SURFACE_FRAGMENT = shaded("uniform vec4 skin;", "skin");
const LIMB_FRAGMENT = shaded("in vec3 colour;", "vec4(colour, 1.0)");

const FLOOR_VERTEX = `#version 300 es
layout(location = 0) in vec2 corner;
uniform mat4 view; uniform vec2 middle;
out vec2 place;
void main() {
  place = corner * 30.0 + middle;
  gl_Position = view * vec4(place.x, 0.0, place.y, 1.0);
}`;
const FLOOR_FRAGMENT = `#version 300 es
precision highp float;
in vec2 place;
uniform vec2 middle; uniform vec4 line;
out vec4 result;
float lines(float spacing) {
  vec2 cells = place / spacing, width = fwidth(cells);
  vec2 away = abs(fract(cells - 0.5) - 0.5) / width;
  float strong = 1.0 - min(min(away.x, away.y), 1.0);
  return strong * clamp(1.2 - 3.0 * max(width.x, width.y), 0.0, 1.0);
}
void main() {
  float fade = exp(-0.045 * dot(place - middle, place - middle));
  float shown = max(0.45 * lines(0.5), lines(1.0)) * fade;
  result = vec4(line.rgb, line.a * shown);
}`;

class Scene {
  /** Throws where the browser has no WebGL 2. */
  constructor(canvas, faces) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl2", { antialias: true, stencil: true, alpha: false });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.surface = this.program(SURFACE_VERTEX, SURFACE_FRAGMENT);
    this.limb = this.program(LIMB_VERTEX, LIMB_FRAGMENT);
    this.floor = this.program(FLOOR_VERTEX, FLOOR_FRAGMENT);
    this.makeFloor();
    this.makeCapsule();
    if (faces) this.makeMesh(faces);
  }

  program(vertex, fragment) {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS))
        throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    const at = {};
    for (let i = 0; i < gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS); i++) {
      const { name } = gl.getActiveUniform(program, i);
      at[name] = gl.getUniformLocation(program, name);
    }
    return { program, at };
  }

  attribute(place, size, buffer, stride = 0, offset = 0, each = 0) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, stride, offset);
    gl.vertexAttribDivisor(place, each);
  }

  filled(data, target = this.gl.ARRAY_BUFFER) {
    const buffer = this.gl.createBuffer();
    this.gl.bindBuffer(target, buffer);
    this.gl.bufferData(target, data, this.gl.STATIC_DRAW);
    return buffer;
  }

  makeFloor() {
    this.floor.shape = this.gl.createVertexArray();
    this.gl.bindVertexArray(this.floor.shape);
    this.attribute(0, 2, this.filled(new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1])));
  }

  makeCapsule(rings = 5, sides = 14) {
    const corners = [], triangles = [], across = sides + 1;
    for (const end of [0, 1])
      for (let ring = 0; ring <= rings; ring++) {
        const tilt = (Math.PI / 2) * ((ring - (end ? 0 : rings)) / rings);
        for (let side = 0; side <= sides; side++) {
          const turn = (2 * Math.PI * side) / sides, wide = Math.cos(tilt);
          corners.push(wide * Math.cos(turn), wide * Math.sin(turn), Math.sin(tilt), end);
        }
      }
    for (let ring = 0; ring <= 2 * rings; ring++)
      for (let side = 0; side < sides; side++) {
        const a = ring * across + side, b = a + across;
        triangles.push(a, a + 1, b, a + 1, b + 1, b);
      }
    const { gl, limb } = this;
    limb.shape = gl.createVertexArray();
    gl.bindVertexArray(limb.shape);
    this.attribute(0, 4, this.filled(new Float32Array(corners)));
    limb.each = gl.createBuffer();
    this.attribute(1, 4, limb.each, 40, 0, 1);
    this.attribute(2, 3, limb.each, 40, 16, 1);
    this.attribute(3, 3, limb.each, 40, 28, 1);
    this.filled(new Uint16Array(triangles), gl.ELEMENT_ARRAY_BUFFER);
    limb.count = triangles.length;
  }

  makeMesh(faces) {
    const { gl, surface } = this;
    surface.shape = gl.createVertexArray();
    gl.bindVertexArray(surface.shape);
    [surface.places, surface.normals] = [gl.createBuffer(), gl.createBuffer()];
    this.attribute(0, 3, surface.places);
    this.attribute(1, 3, surface.normals);
    this.filled(faces, gl.ELEMENT_ARRAY_BUFFER);
    surface.count = faces.length;
  }

  /** Draws one frame: {limbs: [{from, to, radius, colour, shift}], mesh, shift, theme, orbit}. */
  draw({ limbs, mesh, shift, theme, orbit }) {
    const { gl, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(...theme.ground, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    this.common = { view: orbit.matrix(canvas.width / canvas.height), towards: orbit.axes().back,
                    shadow: theme.shadow };
    this.drawFloor(theme, [orbit.target[0], orbit.target[2]]);
    this.fillLimbs(limbs);
    if (mesh) this.fillMesh(mesh);
    this.onFloor(() => {
      if (mesh) this.drawMesh(true, shift, theme.skin);
      this.drawLimbs(limbs.length, true);
    });
    this.drawLimbs(limbs.length, false);
    if (mesh) this.drawSkin(shift, theme.skin);
  }

  drawFloor(theme, middle) {
    const { gl, floor } = this;
    gl.useProgram(floor.program);
    gl.uniformMatrix4fv(floor.at.view, false, this.common.view);
    gl.uniform2fv(floor.at.middle, middle);
    gl.uniform4fv(floor.at.line, theme.line);
    gl.bindVertexArray(floor.shape);
    gl.depthMask(false);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.depthMask(true);
  }

  /** Each spot of the floor is darkened once, however many things stand over it. */
  onFloor(draw) {
    const { gl } = this;
    gl.enable(gl.STENCIL_TEST);
    gl.stencilFunc(gl.EQUAL, 0, 255);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.INCR);
    gl.depthMask(false);
    draw();
    gl.depthMask(true);
    gl.disable(gl.STENCIL_TEST);
  }

  fillLimbs(limbs) {
    const { gl, limb } = this;
    const data = new Float32Array(limbs.length * 10);
    limbs.forEach(({ from, to, radius, colour }, i) =>
      data.set([...from, radius, ...to, ...colour], 10 * i));
    gl.bindBuffer(gl.ARRAY_BUFFER, limb.each);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
  }

  fillMesh({ vertices, normals }) {
    const { gl, surface } = this;
    for (const [buffer, data] of [[surface.places, vertices], [surface.normals, normals]]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
    }
  }

  use({ program, at, shape }, flat, shift) {
    const { gl, common } = this;
    gl.useProgram(program);
    gl.uniformMatrix4fv(at.view, false, common.view);
    gl.uniform3fv(at.shift, shift);
    gl.uniform3fv(at.light, LIGHT);
    gl.uniform3fv(at.towards, common.towards);
    gl.uniform4fv(at.shadow, common.shadow);
    gl.uniform1i(at.flat_on_floor, flat ? 1 : 0);
    gl.bindVertexArray(shape);
  }

  drawLimbs(count, flat) {
    if (!count) return;
    this.use(this.limb, flat, [0, 0, 0]);
    const { gl, limb } = this;
    gl.drawElementsInstanced(gl.TRIANGLES, limb.count, gl.UNSIGNED_SHORT, 0, count);
  }

  drawMesh(flat, shift, skin) {
    const { gl, surface } = this;
    this.use(surface, flat, shift);
    gl.uniform4fv(surface.at.skin, skin);
    gl.drawElements(gl.TRIANGLES, surface.count, gl.UNSIGNED_SHORT, 0);
  }

  /** The skin lets the bones shine through, but not its own far side. */
  drawSkin(shift, skin) {
    const { gl } = this;
    gl.colorMask(false, false, false, false);
    this.drawMesh(false, shift, skin);
    gl.colorMask(true, true, true, true);
    gl.depthFunc(gl.EQUAL);
    this.drawMesh(false, shift, skin);
    gl.depthFunc(gl.LESS);
  }
}
