/** What a watermark will look like: over a landscape that is drawn here. Like the server, but not its code. */

const MARGIN = 0.03;

export function drawSample(canvas) {
  const { width, height } = canvas;
  const pen = canvas.getContext("2d");
  const sky = pen.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, "#7fa8c9");
  sky.addColorStop(0.6, "#f0d9b8");
  sky.addColorStop(1, "#d9a97e");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = "#fff4d6";
  pen.beginPath();
  pen.arc(width * 0.68, height * 0.42, height * 0.07, 0, 7);
  pen.fill();
  const hills = [
    ["#7c8f8a", 0.56, 0.06, 1.3],
    ["#56726a", 0.68, 0.07, 2.1],
    ["#2f4c44", 0.82, 0.06, 3.2],
  ];
  for (const [colour, base, swing, waves] of hills) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(0, height);
    for (let x = 0; x <= width; x += 4) {
      const turn = (x / width) * Math.PI * waves;
      pen.lineTo(x, height * (base + swing * Math.sin(turn + waves) + 0.02 * Math.sin(turn * 5)));
    }
    pen.lineTo(width, height);
    pen.fill();
  }
}

/** `mark` is `{text?, placement, opacity, size}`, `image` a picture in place of the text. */
export function drawMark(canvas, mark, image) {
  drawSample(canvas);
  if (!mark.text && !image) return;
  const { width, height } = canvas;
  const pen = canvas.getContext("2d");
  const wide = (Math.max(width, height) * mark.size) / 100;
  pen.font = "600 100px system-ui, sans-serif";
  const letters = image ? 0 : pen.measureText(mark.text).width;
  const high = image ? (wide * image.naturalHeight) / image.naturalWidth : (100 * wide) / letters;
  const stamp = (x, y) => {
    pen.globalAlpha = mark.opacity / 100;
    if (image) return pen.drawImage(image, x, y, wide, high);
    pen.font = `600 ${high}px system-ui, sans-serif`;
    pen.textBaseline = "top";
    pen.fillStyle = "#fff";
    pen.shadowColor = "rgb(0 0 0 / .5)";
    pen.shadowBlur = high * 0.08;
    return pen.fillText(mark.text, x, y);
  };
  const gap = Math.max(width, height) * MARGIN;
  if (mark.placement === "tiled") {
    for (let y = gap, row = 0; y < height; y += high * 3, row += 1) {
      for (let x = gap - (row % 2) * wide * 0.75; x < width; x += wide * 1.5) stamp(x, y);
    }
  } else if (mark.placement === "centre") stamp((width - wide) / 2, (height - high) / 2);
  else {
    const [vertical, horizontal] = mark.placement.split("_");
    stamp(horizontal === "left" ? gap : width - wide - gap, vertical === "top" ? gap : height - high - gap);
  }
  pen.globalAlpha = 1;
  pen.shadowBlur = 0;
}
