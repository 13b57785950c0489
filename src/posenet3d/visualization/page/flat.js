// The 2D picture: what the detector saw, and where the skeleton is seen again.

/** A canvas as large as its place on the screen, in the screen's own pixels. */
function fitCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return ratio;
}

const css = ([r, g, b], alpha = 1) =>
  `rgba(${Math.round(255 * r)}, ${Math.round(255 * g)}, ${Math.round(255 * b)}, ${alpha})`;

class FlatPicture {
  constructor(canvas, motion) {
    Object.assign(this, { canvas, motion, pen: canvas.getContext("2d") });
  }

  draw(frame, theme, withReprojection) {
    const { canvas, pen, motion } = this;
    const ratio = fitCanvas(canvas);
    const [left, top, right, bottom] = motion.window;
    const room = 8 * ratio;
    const scale = Math.min((canvas.width - 2 * room) / (right - left),
                           (canvas.height - 2 * room) / (bottom - top));
    const x0 = (canvas.width - scale * (right - left)) / 2 - scale * left;
    const y0 = (canvas.height - scale * (bottom - top)) / 2 - scale * top;
    this.place = (x, y) => [x0 + scale * x, y0 + scale * y];
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.lineCap = "round";
    if (motion.framed) this.frame(theme, ratio);
    const { keypoints, confidence, reprojected } = motion.arrays;
    const thick = Math.max(1.6 * ratio, 0.0075 * scale * motion.person);
    if (withReprojection && reprojected)
      this.skeleton(reprojected.data, frame, motion.lifted, theme.again, 2.6 * thick, null);
    this.skeleton(keypoints.data, frame, motion.layout, theme.result, thick, confidence.data);
  }

  frame(theme, ratio) {
    const { pen, motion } = this;
    const [left, top, right, bottom] = motion.window;
    const [x, y] = this.place(left, top), [u, v] = this.place(right, bottom);
    pen.strokeStyle = css(theme.line.slice(0, 3), 0.6);
    pen.lineWidth = ratio;
    pen.strokeRect(x, y, u - x, v - y);
  }

  skeleton(points, frame, { joints, bones }, colours, thick, confidence) {
    const { pen } = this;
    const at = (joint) => 2 * (frame * joints.length + joint);
    const known = (joint) => Number.isFinite(points[at(joint)]);
    const sure = (joint) =>
      confidence ? 0.25 + (0.75 * confidence[frame * joints.length + joint]) / 255 : 1;
    const place = (joint) => this.place(points[at(joint)], points[at(joint) + 1]);
    pen.lineWidth = thick;
    for (const { ends: [a, b], side } of bones) {
      if (!known(a) || !known(b)) continue;
      pen.strokeStyle = css(colours[side], Math.min(sure(a), sure(b)));
      pen.beginPath();
      pen.moveTo(...place(a));
      pen.lineTo(...place(b));
      pen.stroke();
    }
    if (!confidence) return;
    joints.forEach((side, joint) => {
      if (!known(joint)) return;
      pen.fillStyle = css(colours[side], sure(joint));
      pen.beginPath();
      pen.arc(...place(joint), 0.95 * thick, 0, 2 * Math.PI);
      pen.fill();
    });
  }
}
