// The one filter that scan files use beside those of HDF5 itself.
import bitshuffle from 'h5wasm-plugins/plugins/libH5Zbshuf.so?url';

export async function getPlugin(name) {
  if (name !== 'bshuf') {
    return undefined;
  }
  const answer = await fetch(bitshuffle);
  return answer.arrayBuffer();
}
