/** A scan is answered to the ear and the hand: whoever swabs does not look at the phone. */

let audio: AudioContext | null = null;

function tone(pitch: number, seconds: number, after = 0): void {
  try {
    audio = audio ?? new AudioContext();
    const source = audio.createOscillator();
    const volume = audio.createGain();
    source.frequency.value = pitch;
    volume.gain.value = 0.15;
    source.connect(volume);
    volume.connect(audio.destination);
    source.start(audio.currentTime + after);
    source.stop(audio.currentTime + after + seconds);
  } catch {
    // a phone without sound still shows and shakes
  }
}

function shake(pattern: number | number[]): void {
  if ("vibrate" in navigator) navigator.vibrate(pattern);
}

export function sayGood(): void {
  tone(1200, 0.09);
  shake(40);
}

export function sayBad(): void {
  tone(300, 0.18);
  tone(240, 0.25, 0.22);
  shake([120, 80, 200]);
}
