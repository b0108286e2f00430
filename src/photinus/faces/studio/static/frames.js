// Frames as the server packs them: length of the head, the head in JSON, arrays at multiples of eight bytes.

const TYPES = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array };
const text = new TextDecoder();

export function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const { arrays, ...values } = JSON.parse(text.decode(new Uint8Array(buffer, 4, length)));
  for (const [name, type, shape, offset] of arrays) {
    const count = shape.reduce((product, each) => product * each, 1);
    values[name] = new TYPES[type](buffer, 4 + length + offset, count);
    values[name].shape = shape;
  }
  return values;
}
