// The microphone, as clips: each press gives one, mono, as WAV, whatever the browser records in.
class Recorder {
  static most = 60; // seconds

  constructor(rate, onclip, onend) {
    Object.assign(this, { rate, onclip, onend, running: null });
  }

  async begin() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("This browser gives no microphone here: open the page by https, or drop files.");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch {
      throw new Error("The browser did not let this page use a microphone: allow it beside the page's address, or drop files.");
    }
    const parts = [], running = (this.running = new MediaRecorder(stream));
    running.ondataavailable = ({ data }) => parts.push(data);
    running.onstop = async () => {
      clearTimeout(this.limit);
      for (const track of stream.getTracks()) track.stop();
      this.running = null;
      this.onend();
      const context = new OfflineAudioContext(1, 1, this.rate);
      this.onclip(wavOf(mono(await context.decodeAudioData(await new Blob(parts).arrayBuffer())), this.rate));
    };
    this.limit = setTimeout(() => this.end(), 1000 * Recorder.most);
    running.start();
  }

  end() {
    if (this.running?.state === "recording") this.running.stop();
  }
}

// All channels of a sound as one, int16.
function mono(sound) {
  const sides = [...Array(sound.numberOfChannels).keys()].map((n) => sound.getChannelData(n));
  return Int16Array.from(sides[0], (_, n) => Math.max(-32768, Math.min(32767, Math.round((32767 * sides.reduce((sum, one) => sum + one[n], 0)) / sides.length))));
}
