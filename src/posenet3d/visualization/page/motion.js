// What the page holds: facts as JSON, arrays as 16-bit numbers; and the body's mesh in a pose.

/** The facts, with `arrays` by name as {data, shape}; unknown numbers are NaN. */
async function readMotion() {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const text = document.getElementById("arrays").textContent;
  const packed = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  for (const name of Object.keys(facts.arrays)) {
    facts.arrays[name] = unpack(bytes, facts.arrays[name]);
  }
  return facts;
}

const TYPES = { int8: Int8Array, uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array };
const UNKNOWN = -32768;

function unpack(bytes, { type, shape, at, scale, offset }) {
  const length = shape.reduce((product, axis) => product * axis, 1);
  const raw = new TYPES[type](bytes, at, length);
  if (scale === undefined) return { data: raw, shape };
  const decode = (step) => (step === UNKNOWN ? NaN : step * scale + offset);
  return { data: Float32Array.from(raw, decode), shape };
}

/** Row-major 3 × 3 matrix of the unit quaternion x, y, z, w that starts at `at`. */
function quaternionToMatrix(q, at, out) {
  const length = Math.hypot(q[at], q[at + 1], q[at + 2], q[at + 3]) || 1;
  const [x, y, z, w] = [0, 1, 2, 3].map((i) => q[at + i] / length);
  out[0] = 1 - 2 * (y * y + z * z); out[1] = 2 * (x * y - z * w); out[2] = 2 * (x * z + y * w);
  out[3] = 2 * (x * y + z * w); out[4] = 1 - 2 * (x * x + z * z); out[5] = 2 * (y * z - x * w);
  out[6] = 2 * (x * z - y * w); out[7] = 2 * (y * z + x * w); out[8] = 1 - 2 * (x * x + y * y);
}

function product3(a, b, out) {
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
}

/** A body whose mesh follows its bones: linear blend skinning with pose correctives. */
class SkinnedBody {
  constructor(motion) {
    const { arrays, body } = motion;
    Object.assign(this, {
      rest: arrays.rest.data, faces: arrays.faces.data, joints: arrays.rest_joints.data,
      bones: arrays.bones.data, weights: arrays.weights.data, influences: arrays.bones.shape[1],
      parents: body.parents, rotations: arrays.rotations.data,
      translation: arrays.translation.data, feature: arrays.corrective_feature.data,
      vertex: arrays.corrective_vertex.data, corrective: arrays.corrective.data,
    });
    const count = body.parents.length;
    this.local = Array.from({ length: count }, () => new Float32Array(9));
    this.global = Array.from({ length: count }, () => new Float32Array(9));
    this.posed = new Float32Array(3 * count);
    this.shaped = new Float32Array(this.rest.length);
    this.vertices = new Float32Array(this.rest.length);
    this.normals = new Float32Array(this.rest.length);
  }

  /** Fills `vertices` and `normals` for a frame, world frame, metres. */
  pose(frame) {
    this.turnBones(frame);
    this.correct();
    this.skin(frame);
    this.shade();
  }

  turnBones(frame) {
    const { parents, joints, posed } = this;
    for (let bone = 0; bone < parents.length; bone++) {
      const parent = parents[bone];
      quaternionToMatrix(this.rotations, 4 * (frame * parents.length + bone), this.local[bone]);
      if (parent < 0) {
        this.global[bone].set(this.local[bone]);
        posed.set(joints.subarray(3 * bone, 3 * bone + 3), 3 * bone);
        continue;
      }
      const turn = this.global[parent];
      product3(turn, this.local[bone], this.global[bone]);
      for (let i = 0; i < 3; i++) {
        posed[3 * bone + i] = posed[3 * parent + i];
        for (let j = 0; j < 3; j++)
          posed[3 * bone + i] += turn[3 * i + j] * (joints[3 * bone + j] - joints[3 * parent + j]);
      }
    }
  }

  correct() {
    const { shaped, feature, vertex, corrective, local } = this;
    shaped.set(this.rest);
    for (let k = 0; k < feature.length; k++) {
      const bone = 1 + Math.floor(feature[k] / 9), entry = feature[k] % 9;
      const amount = local[bone][entry] - (entry % 4 === 0 ? 1 : 0);
      for (let i = 0; i < 3; i++) shaped[3 * vertex[k] + i] += amount * corrective[3 * k + i];
    }
  }

  skin(frame) {
    const { shaped, vertices, bones, weights, influences, joints, posed, global } = this;
    const at = 3 * frame;
    for (let v = 0; v < vertices.length / 3; v++) {
      let x = 0, y = 0, z = 0;
      for (let i = 0; i < influences; i++) {
        const weight = weights[v * influences + i] / 255;
        if (weight === 0) continue;
        const bone = bones[v * influences + i], turn = global[bone];
        const a = shaped[3 * v] - joints[3 * bone];
        const b = shaped[3 * v + 1] - joints[3 * bone + 1];
        const c = shaped[3 * v + 2] - joints[3 * bone + 2];
        x += weight * (turn[0] * a + turn[1] * b + turn[2] * c + posed[3 * bone]);
        y += weight * (turn[3] * a + turn[4] * b + turn[5] * c + posed[3 * bone + 1]);
        z += weight * (turn[6] * a + turn[7] * b + turn[8] * c + posed[3 * bone + 2]);
      }
      vertices[3 * v] = x + this.translation[at];
      vertices[3 * v + 1] = y + this.translation[at + 1];
      vertices[3 * v + 2] = z + this.translation[at + 2];
    }
  }

  /** Normals at the vertices: the sum of the faces' normals, longer for larger faces. */
  shade() {
    const { vertices: p, normals, faces } = this;
    normals.fill(0);
    for (let f = 0; f < faces.length; f += 3) {
      const [a, b, c] = [3 * faces[f], 3 * faces[f + 1], 3 * faces[f + 2]];
      const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
      const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
      const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
      for (const corner of [a, b, c]) {
        normals[corner] += nx; normals[corner + 1] += ny; normals[corner + 2] += nz;
      }
    }
  }
}
