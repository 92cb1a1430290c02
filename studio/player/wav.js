// Samples as a WAV file: the head of a mono one of 16 bits, and a whole one.
function wavHead(bytes, rate) {
  const head = new DataView(new ArrayBuffer(44));
  const text = (at, word) => [...word].forEach((letter, n) => head.setUint8(at + n, letter.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => head.setUint16(at, value, true));
  head.setUint32(24, rate, true);
  head.setUint32(28, 2 * rate, true);
  text(36, "data");
  head.setUint32(40, bytes, true);
  return head;
}

const wavOf = (samples, rate) => new Blob([wavHead(2 * samples.length, rate), samples], { type: "audio/wav" });
